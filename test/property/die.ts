/** A die with a seed: the same seed falls the same way in every run. */

/** `die(n)` is a whole number from 0 until n. */
export type Die = (sides: number) => number;

export function dieOf(seed: number): Die {
  let state = seed >>> 0;
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}
