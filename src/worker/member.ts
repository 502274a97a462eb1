/** One of a worker's objects, wherever it lives. */

import type { Limits } from "../contract.ts";
import { systemClock } from "../platform/clock.ts";
import { type Constructor, Instance } from "./instance.ts";

export interface Member {
  /** How many calls it has under way. */
  readonly active: number;
  /** One attempt of a call. The signal's abort ends its waiting for limits. */
  call(method: string, args: readonly unknown[], signal: AbortSignal): Promise<unknown>;
  /** Lets it clean up, then ends it. */
  end(): Promise<void>;
  /** Ends it at once. */
  kill(): void;
}

/** In this thread. */
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

/** Lets the event loop turn. */
function nextTurn(): Promise<void> {
  const { setImmediate } = globalThis as Immediate;
  return new Promise((resolve) => {
    if (setImmediate) setImmediate(resolve);
    else systemClock.setTimeout(resolve, 0);
  });
}
