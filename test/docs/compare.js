// Imported by examples that run: compares the value of an expression with that of the comment behind it.
import { deepStrictEqual } from "node:assert/strict";
import { inspect } from "node:util";

/**
 * @param {unknown} value
 * @param {unknown} expected
 * @param {string} place
 */
export function compare(value, expected, place) {
  try {
    // A copy has the usual prototype, as the literal in the comment has.
    deepStrictEqual(structuredClone(value), expected);
  } catch {
    throw new Error(`${place}: the value is ${inspect(value)}, the comment says ${inspect(expected)}`);
  }
}
