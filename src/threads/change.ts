/** Waits for another thread without blocking this one. */

// The time between two reads of the word, where the platform has no `waitAsync`.
const LOOK_IN_MS = 5;

/** Resolves to true when a word of shared memory may have changed from `value`, to false after `ms` milliseconds. */
export async function change(
  words: Int32Array,
  at: number,
  value: number,
  ms = Number.POSITIVE_INFINITY,
): Promise<boolean> {
  if (typeof Atomics.waitAsync === "function") {
    return (await Atomics.waitAsync(words, at, value, ms).value) !== "timed-out";
  }
  for (let waited = 0; waited < ms; waited += LOOK_IN_MS) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_IN_MS));
    if (Atomics.load(words, at) !== value) return true;
  }
  return false;
}
