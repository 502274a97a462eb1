/** Waiting for another thread without blocking this one. */

// Where no thread can wait without blocking, it looks in this often.
const LOOK_IN_MS = 5;

/** Resolves when a word of shared memory may have changed from `value`, because somebody has notified of it. */
export async function change(words: Int32Array, at: number, value: number): Promise<void> {
  if (typeof Atomics.waitAsync === "function") await Atomics.waitAsync(words, at, value).value;
  else await new Promise((resolve) => setTimeout(resolve, LOOK_IN_MS));
}
