/** Refuses definitions that the script on the server does not know yet. */
import type { Limit } from "../limits/limits.ts";
import { refusePartitions } from "../limits/partition-options.ts";

/** @throws {InvalidLimitError} */
export function checkSupported(limits: readonly Limit[]): void {
  refusePartitions(limits, "a RedisLimitSet");
}
