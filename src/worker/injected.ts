/** Gives limits to an object before its own constructor runs: the constructor of the base class finds them in a slot. */
import type { Limits } from "../contract.ts";

// A registered symbol, since a bundle may hold a second copy of this file, and both must use one slot.
const key = Symbol.for("limitset.worker.injected");
const slot = globalThis as { [key]?: Limits | undefined };

/** Calls `make`, and hands `limits` to the first base constructor that runs in it. */
export function inject<T>(limits: Limits, make: () => T): T {
  slot[key] = limits;
  try {
    return make();
  } finally {
    slot[key] = undefined;
  }
}

/** The limits of the slot, which is then empty. Undefined if the object is not made by a pool. */
export function takeInjected(): Limits | undefined {
  const limits = slot[key];
  slot[key] = undefined;
  return limits;
}
