/** The terms of a request that a set on a server does not know. */
import type { AcquireOptions } from "../contract.ts";
import { InvalidRequestError, show } from "../errors.ts";

/**
 * Requests of one process go strictly in order here.
 *
 * @throws {InvalidRequestError} for a priority other than 0, and for a `maxWaitMs`.
 */
export function checkTerms(options: AcquireOptions | null | undefined): void {
  const { priority = 0, maxWaitMs = Number.POSITIVE_INFINITY } = options ?? {};
  if (priority !== 0) {
    throw new InvalidRequestError(
      `priority must be 0 or left out for a RedisLimitSet, got ${show(priority)}: its requests go in order of arrival`,
    );
  }
  if (maxWaitMs !== Number.POSITIVE_INFINITY) {
    throw new InvalidRequestError(
      `maxWaitMs must be left out for a RedisLimitSet, got ${show(maxWaitMs)}: timeoutMs ends a wait`,
    );
  }
}
