/** Waits, as the script says them. */

export function micros(waitMs: number): string {
  return waitMs === Number.POSITIVE_INFINITY ? "~" : String(Math.round(waitMs * 1000));
}
