import type fc from "fast-check";

// Another seed gives other histories; the scale runs more of them, or fewer.
const { LIMITSET_SEED = 20_250_101, LIMITSET_SCALE = 1 } = process.env;
export const SEED = Number(LIMITSET_SEED);
const SCALE = Number(LIMITSET_SCALE);

/** Time enough for any property at the normal scale, on a slow machine. */
export const TIMEOUT_MS = 300_000 * Math.max(1, SCALE);

export function runs(numRuns: number): fc.Parameters<unknown> & { seed: number } {
  return { seed: SEED, numRuns: Math.max(1, Math.round(numRuns * SCALE)) };
}

let operations = 0;

/** Counts what was done to a real set: requests, updates, releases and clock steps. Snapshots are not counted. */
export function count(n = 1): void {
  operations += n;
}

/** For `afterAll`: says what ran and how to run it again. */
export function report(name: string): void {
  console.info(`${name}: ${operations.toLocaleString("en")} operations, LIMITSET_SEED=${SEED}`);
}
