/** A limit of any kind. */
import type { CallLimit } from "./call-limit.ts";
import type { RateLimit } from "./rate-limit.ts";
import type { ResourceLimit } from "./resource-limit.ts";

/** A limit of any kind, with the key `K`; it counts `M`. */
export type Limit<K extends string = string, M extends string = string, D extends string = string> =
  | RateLimit<K, M, D>
  | CallLimit<K, "call_count", D>
  | ResourceLimit<K, D>;
