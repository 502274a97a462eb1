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
    // Else a request whose client goes away stops where it stands, and what it holds comes back only with the garbage.
    context.waitUntil(answer);
    return answer;
  },
};
