/** Shopify. */
import type { Provider, Reading } from "./provider.ts";
import { numberOf } from "./times.ts";

/** The options of `shopify`. */
export interface ShopifyOptions {
  /** The points to reserve for a GraphQL query. Default: 50. */
  readonly queryCost?: number | undefined;
}

/**
 * Shopify's Admin API. A REST request costs 1 of `call_count`; a GraphQL query costs `points`: so many as `queryCost` says are reserved,
 * and the actual cost is settled. A query that was throttled pauses until what it asked for is there.
 *
 * @param options The cost of queries.
 * @example
 * const limits = new LimitSet({ limits: [new RateLimit({ key: "points", capacity: 2000, windowMs: 20_000 })] });
 * const fetch = limitFetch(limits, shopify({ queryCost: 100 }));
 * typeof fetch; // "function"
 */
export function shopify({ queryCost = 50 }: ShopifyOptions = {}): Provider {
  return {
    name: "shopify",
    cost: ({ url }) =>
      /\/graphql\.json$/.test(url.pathname)
        ? { call_count: 0, points: queryCost }
        : { call_count: 1, points: 0 },
    head({ headers }) {
      const [used, capacity] = (headers.get("x-shopify-shop-api-call-limit") ?? "").split("/").map(numberOf);
      return used === undefined || capacity === undefined
        ? undefined
        : { limits: [{ metric: "call_count", capacity, left: Math.max(0, capacity - used) }] };
    },
    bodyKey: "cost",
    body: (value) => (typeof value?.["requestedQueryCost"] === "number" ? readCost(value) : undefined),
  };
}

function readCost({
  requestedQueryCost,
  actualQueryCost,
  throttleStatus,
}: Readonly<Record<string, unknown>>): Reading {
  const status = (throttleStatus ?? {}) as Readonly<Record<string, number | undefined>>;
  const { maximumAvailable: capacity, currentlyAvailable: left, restoreRate } = status;
  // A query that was throttled has cost nothing.
  const points = (actualQueryCost ?? 0) as number;
  const isThrottled = actualQueryCost === null && (requestedQueryCost as number) > left!;
  const pauseMs = isThrottled ? (1000 * ((requestedQueryCost as number) - left!)) / restoreRate! : undefined;
  return { pauseMs, used: { points }, limits: [{ metric: "points", capacity, left }] };
}
