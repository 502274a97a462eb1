// A guarded handler in workerd: the set is in the memory of the isolate.
import * as sets from "limitset";
import * as guards from "limitset/http";
import { answer, capacitiesOf, makeApp } from "./app.js";

/** @type {{ app: import("./app.js").App, calls: Function, held: Function } | undefined} */
let made;

/** @param {{ CAPACITIES: string }} env */
function make(env) {
  const app = makeApp(
    /** @type {import("./app.js").Modules} */ (/** @type {unknown} */ ({ ...sets, ...guards })),
    capacitiesOf(env.CAPACITIES),
  );
  /** @param {Request} request */
  const handle = (request) => answer(app, request);
  return { app, calls: app.calls.handler(handle), held: app.held.handler(handle) };
}

export default {
  /** @param {Request} request @param {{ CAPACITIES: string }} env @param {unknown} context */
  async fetch(request, env, context) {
    made ??= make(env);
    const { pathname } = new URL(request.url);
    if (pathname === "/stats") {
      // Handlers whose uploads break off are dropped by the runtime, and end nothing: what they held comes back with the garbage.
      /** @type {{ gc?: () => void }} */ (globalThis).gc?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
      return Response.json(made.app.stats());
    }
    return pathname.startsWith("/held")
      ? made.held(request, env, context)
      : made.calls(request, env, context);
  },
};
