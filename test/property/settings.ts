import type fc from "fast-check";

// Another seed makes other histories; the scale says how many of them run.
const { LIMITSET_SEED = 20_250_101, LIMITSET_SCALE = 1 } = process.env;
export const SEED = Number(LIMITSET_SEED);
const SCALE = Number(LIMITSET_SCALE);

/** Time enough for any property at the normal scale, on a slow machine. */
export const TIMEOUT_MS = 300_000 * Math.max(1, SCALE);

export function runs(numRuns: number): fc.Parameters<unknown> & { seed: number } {
  return { seed: SEED, numRuns: Math.max(1, Math.round(numRuns * SCALE)) };
}

let operations = 0;

/** Counts the operations on real sets: requests, updates, releases and clock steps. Snapshots do not count. */
export function count(n = 1): void {
  operations += n;
}

/** For `afterAll`: prints which histories ran, and how to run them again. */
export function report(name: string): void {
  console.info(`${name}: ${operations.toLocaleString("en")} operations, LIMITSET_SEED=${SEED}`);
}
