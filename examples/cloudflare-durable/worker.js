/** A Worker whose HTTP requests share one budget, wherever they are answered: a Durable Object has the limits. */
import { CallLimit, RateLimit, ResourceLimit } from "limitset";
import { connectDurable, LimitSetObject } from "limitset/cloudflare";

/** The limits of the API behind this Worker, for all its instances together. */
export class Budget extends LimitSetObject {
  /** @override */
  static limits = [
    new CallLimit({ capacity: 20, windowMs: 1_000 }),
    new RateLimit({ key: "tokens", capacity: 10_000, windowMs: 60_000 }),
    new ResourceLimit({ key: "connections", capacity: 4 }),
  ];
}

/** @typedef {{ BUDGET: import("limitset/cloudflare").ObjectNamespace }} Env */

export default {
  /**
   * `/ask?tokens=300` waits for the limits and then asks the API, `/try` asks it only if that is possible now, and `/stats` shows
   * the state of the limits.
   *
   * @param {Request} request
   * @param {Env} env
   */
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const tokens = Number(searchParams.get("tokens") ?? 300);
    /** @type {import("limitset/cloudflare").DurableLimits<"call_count" | "tokens" | "connections">} */
    const limits = connectDurable(env.BUDGET, "model-api");
    if (pathname === "/stats") return Response.json(await limits.stats());
    if (pathname === "/try") {
      const tried = await limits.tryAcquire({ tokens });
      if (!tried.successful) {
        const seconds = Math.ceil(tried.retryAfterMs / 1000);
        return new Response(`limited by ${tried.limitedBy}`, {
          status: 429,
          headers: Number.isFinite(seconds) ? { "retry-after": `${seconds}` } : {},
        });
      }
      tried.update({ tokens: await callModel(tokens) });
      tried.release();
      return new Response("asked");
    }
    return limits.run(
      { tokens },
      async (acquisition) => {
        const used = await callModel(tokens);
        acquisition.update({ tokens: used });
        return Response.json({ asked: tokens, used });
      },
      // A client that goes away leaves the line; one that is not served in time gets an error.
      { timeoutMs: 30_000, signal: request.signal },
    );
  },
};

/**
 * Stands for the API: takes a moment, and uses two thirds of the reserved tokens.
 *
 * @param {number} tokens
 */
async function callModel(tokens) {
  await new Promise((resolve) => setTimeout(resolve, 20));
  return Math.floor((tokens * 2) / 3);
}
