/** The terms of a request, as an `ACQUIRE` carries them: how long it may wait, and its priority. */
import type { AcquireOptions } from "../contract.ts";
import { type PackedNumber, packNumber } from "./protocol.ts";

/**
 * The last values of `ACQUIRE`. A host of an earlier version knows only the first: the others are left out where they have their
 * defaults.
 */
export function packTerms(options: AcquireOptions | null | undefined): readonly PackedNumber[] {
  const { timeoutMs = Number.POSITIVE_INFINITY, priority = 0, maxWaitMs } = options ?? {};
  const terms = [packNumber(timeoutMs)];
  if (maxWaitMs !== undefined && maxWaitMs !== Number.POSITIVE_INFINITY) terms.push(priority, maxWaitMs);
  else if (priority !== 0) terms.push(priority);
  return terms;
}

/** The options of a request, from the last values of an `ACQUIRE`. The set checks their bounds. */
export function readTerms(values: readonly unknown[]): AcquireOptions | undefined {
  const [timeoutMs, priority = null, maxWaitMs = null] = values;
  if (!isTerm(timeoutMs) || !isTerm(priority) || !isTerm(maxWaitMs)) return undefined;
  return {
    timeoutMs: timeoutMs ?? undefined,
    ...(priority !== null && { priority }),
    ...(maxWaitMs !== null && { maxWaitMs }),
  };
}

/** How long a request may wait altogether: as long as `timeoutMs` and `maxWaitMs` allow. */
export function patienceOf(options: AcquireOptions | null | undefined): number {
  const { timeoutMs = Number.POSITIVE_INFINITY, maxWaitMs = Number.POSITIVE_INFINITY } = options ?? {};
  return Math.min(timeoutMs, maxWaitMs);
}

function isTerm(value: unknown): value is PackedNumber {
  return value === null || typeof value === "number";
}
