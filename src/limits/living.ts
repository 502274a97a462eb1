/**
 * Sets that other sides follow: each shows its present era, and tells when that ends. The symbols are registered, so that two copies of
 * the package can follow each other's sets.
 */
import type { Era } from "./era.ts";
import type { Limit } from "./limit.ts";

/** Of a set: it shows its present era. */
export const PRESENT: unique symbol = Symbol.for("limitset.present") as never;

/** Of an acquisition: the era under which it was granted. */
export const ERA: unique symbol = Symbol.for("limitset.era") as never;

/** Of a set in this isolate: it tells how its limits stand, at a small part of the cost of `stats`. */
export const GLANCE: unique symbol = Symbol.for("limitset.glance") as never;

/** How the limits of a set stand at one moment. */
export interface Glance {
  /** The limits: the same array while neither they nor the dimensions that are named change. */
  readonly limits: readonly Limit[];
  /**
   * Good until the next glance at any set. Three numbers for each limit: the units in use, and the milliseconds until one more would pass, and until none is in use. The first is
   * NaN where the limit is of a partition that is not named, and the third of a brief glance, which costs less.
   */
  readonly numbers: readonly number[];
}

export interface Present {
  readonly era: Era;
  /** Calls the listener, once, when the era has ended. Returns a function that forgets it. */
  whenEnds(listener: () => void): () => void;
}

/** A set that can be followed. It throws where the era is not known yet. */
export interface Living {
  [PRESENT](): Present;
}

/** The listeners of one era. */
export class Ending {
  private listeners: Set<() => void> | undefined = undefined;

  when(listener: () => void): () => void {
    this.listeners ??= new Set();
    this.listeners.add(listener);
    return () => this.listeners?.delete(listener);
  }

  tell(): void {
    const { listeners } = this;
    this.listeners = undefined;
    for (const listener of listeners ?? []) listener();
  }
}

/** Calls the listener whenever an era of the set has ended, until the function is called that it returns. */
export function follow(set: Living, listener: () => void): () => void {
  let forget: () => void;
  const watch = () => {
    forget = set[PRESENT]().whenEnds(() => {
      watch();
      listener();
    });
  };
  watch();
  return () => forget();
}
