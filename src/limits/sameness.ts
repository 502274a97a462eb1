/** Whether two lists of limits are defined alike. */
import type { Limit } from "./limit.ts";
import { plainOf } from "./metrics.ts";

export function areAlike(some: readonly Limit[], others: readonly Limit[]): boolean {
  return textOf(some) === textOf(others);
}

function textOf(limits: readonly Limit[]): string {
  // JSON has null in place of Infinity, and a limit has no other null.
  return JSON.stringify(plainOf(limits));
}
