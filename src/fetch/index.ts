/**
 * A `fetch` that keeps to a set of limits, and obeys the servers that it calls.
 *
 * @module
 */
export { UnreadBodyWarning } from "./errors.ts";
export { githubApi } from "./github.ts";
export { limitFetch } from "./limit-fetch.ts";
export type { EndedAnswer, FetchOptions, FetchRetry, FetchWait, Route, RouteOptions } from "./options.ts";
export type {
  BodyCourse,
  Costs,
  FetchAnswer,
  FetchRequest,
  Provider,
  Reading,
  ServerLimit,
} from "./provider.ts";
export { rateLimitHeaders } from "./rate-limit-headers.ts";
export { type ShopifyOptions, shopify } from "./shopify.ts";
