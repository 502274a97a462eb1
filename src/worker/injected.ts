/** How limits reach an object before its own constructor runs: they are laid down where the base class's finds them. */
import type { Limits } from "../contract.ts";

// One for all copies of this file: a bundle may have one of its own.
const place = Symbol.for("limitset.worker.injected");
const slot = globalThis as { [place]?: Limits | undefined };

/** Makes an object whose base constructor takes `limits`. */
export function inject<T>(limits: Limits, make: () => T): T {
  slot[place] = limits;
  try {
    return make();
  } finally {
    slot[place] = undefined;
  }
}

/** Takes what was laid down, once. */
export function takeInjected(): Limits | undefined {
  const limits = slot[place];
  slot[place] = undefined;
  return limits;
}
