// The server as a Worker: a Durable Object has the limits, of all HTTP requests wherever they are answered.
import { connectDurable, LimitSetObject } from "limitset/cloudflare";
import { capacitiesOf, limitsOf } from "./limits.js";
import { protectionOf } from "./protection.js";

export class Limits extends LimitSetObject {
  /** @override */
  limitOptions() {
    const { CAPACITIES } = /** @type {{ CAPACITIES?: string }} */ (this.env);
    return { limits: limitsOf(capacitiesOf(CAPACITIES)), maxWaiting: 1000 };
  }
}

/** @typedef {{ LIMITS: import("limitset/cloudflare").ObjectNamespace, PROXIES?: string }} Env */

export default {
  /** @param {Request} request @param {Env} env @param {{ waitUntil(promise: Promise<unknown>): void }} context */
  fetch(request, env, context) {
    const limits = connectDurable(env.LIMITS, "all");

    const protect = protectionOf(limits, Number(env.PROXIES ?? 0));
    return protect.handler((each, ..._) => answer(each))(request, env, context);
  },
};

/** @param {Request} request */
async function answer(request) {
  const ms = Number(new URL(request.url).searchParams.get("ms") ?? 0);
  if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  return new Response("hello from a Worker\n");
}
