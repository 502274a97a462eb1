// A Worker that keeps to its upstream's limits. See README.md.
import { proxy } from "./proxy.js";

export default {
  /**
   * @param {Request} request
   * @param {{ UPSTREAM: string }} env
   * @param {{ waitUntil(promise: Promise<unknown>): void }} context
   */
  fetch(request, env, context) {
    const answer = proxy(request, env.UPSTREAM);
    // Otherwise an HTTP request ends when its client goes away, and its acquisition is released only when it is garbage-collected.
    context.waitUntil(answer);
    return answer;
  },
};
