/** A member of a pool: one of its objects, in this thread or elsewhere. */

import type { Limits } from "../contract.ts";
import { systemClock } from "../platform/clock.ts";
import { type Constructor, Instance } from "./instance.ts";

export interface Member {
  /** How many calls are under way. */
  readonly active: number;
  /** Makes one attempt of a call. An abort of the signal ends its waiting for limits. */
  call(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown>;
  /** Lets the object clean up, then ends the member. */
  end(): Promise<void>;
  /** Ends the member at once. In this thread nothing can end a call, and it does nothing. */
  kill(): void;
}

/** A member in this thread. */
export class LocalMember implements Member {
  readonly #instance: Instance;
  readonly #mode: "sync" | "async";
  #active = 0;

  constructor(Class: Constructor, args: readonly unknown[], limits: Limits, mode: "sync" | "async") {
    this.#instance = new Instance(Class, args, limits);
    this.#mode = mode;
  }

  get active(): number {
    return this.#active;
  }

  async call(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown> {
    this.#active++;
    try {
      if (this.#mode === "async") await nextTurn();
      signal.throwIfAborted();
      return await this.#instance.call(method, args, signal);
    } finally {
      this.#active--;
    }
  }

  end(): Promise<void> {
    return this.#instance.dispose();
  }

  kill(): void {}
}

interface Immediate {
  setImmediate?(callback: () => void): unknown;
}

/** Resolves on the next turn of the event loop. */
function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as Immediate;
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else systemClock.setTimeout(resolve, 0);
  });
}
