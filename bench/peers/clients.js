// Limiters by client, as servers use them: each asks for one of so many in a window, in the name of a client.
import { createRequire } from "node:module";
import { MemoryStore as ExpressStore } from "express-rate-limit";
import { MemoryStore as HonoStore } from "hono-rate-limiter";
import { RateLimiterMemory } from "rate-limiter-flexible";

/** @typedef {(name: string) => boolean | Promise<boolean>} Ask whether the client of this name may pass */
/** @typedef {{ limit: number, windowMs: number, clients: number }} Plan `clients` of which there is room, where that is bounded */

/** The least that such a limiter is: a Map of buckets, of which none is ever given up. @param {Plan} plan @returns {Ask} */
export function mapOfBuckets({ limit, windowMs }) {
  /** @type {Map<string, { level: number, at: number }>} */
  const buckets = new Map();
  const perMs = limit / windowMs;
  return (name) => {
    const now = performance.now();
    const bucket = buckets.get(name);
    if (!bucket) {
      buckets.set(name, { level: limit - 1, at: now });
      return true;
    }
    bucket.level = Math.min(limit, bucket.level + (now - bucket.at) * perMs);
    bucket.at = now;
    if (bucket.level < 1) return false;
    bucket.level--;
    return true;
  };
}

/** @param {Plan} plan @returns {Ask} */
export function flexible({ limit, windowMs }) {
  const limiter = new RateLimiterMemory({ points: limit, duration: windowMs / 1000 });
  return (name) =>
    limiter.consume(name).then(
      () => true,
      () => false,
    );
}

/** @param {Plan} plan @returns {Ask} */
export function expressStore({ limit, windowMs }) {
  const store = new ExpressStore();
  store.init(/** @type {import("express-rate-limit").Options} */ ({ windowMs }));
  return async (name) => (await store.increment(name)).totalHits <= limit;
}

/** @param {Plan} plan @returns {Ask} */
export function honoStore({ limit, windowMs }) {
  const store = new HonoStore();
  store.init(/** @type {never} */ ({ windowMs }));
  return async (name) => (await store.increment(name)).totalHits <= limit;
}

/**
 * @typedef {(error: Error | null, state: { current: number }) => void} Told
 * @typedef {{ incr(name: string, told: Told, windowMs: number, limit: number): void }} FastifyStore
 */

/** @type {new (continueExceeding: boolean, exponentialBackoff: boolean, cache?: number) => FastifyStore} */
const LocalStore = createRequire(import.meta.url)("@fastify/rate-limit/store/LocalStore.js");

/** With room for so many clients; its own default is 5000. @param {Plan} plan @param {number} [cache] @returns {Ask} */
export function fastifyStore({ limit, windowMs, clients }, cache = clients) {
  const store = new LocalStore(false, false, cache);
  return (name) => {
    let passes = false;
    store.incr(
      name,
      (_, { current }) => {
        passes = current <= limit;
      },
      windowMs,
      limit,
    );
    return passes;
  };
}
