/** The way to an object: calls that are made again when the object has moved, restarted or was not to be reached for a moment. */

import { BackendUnavailableError, InvalidRequestError, LimitError, show } from "../errors.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type { Remote } from "./protocol.ts";

const FIRST_RETRY_MS = 10;
const LAST_RETRY_MS = 1_000;
export class Line {
  readonly deadlineMs: number;
  readonly #namespace: ObjectNamespace;
  readonly #name: string;
  /** What calls go by, in the order they are made. Good for the request that made it, until it breaks. */
  #stub: Remote | undefined;

  constructor(namespace: ObjectNamespace, name: string, deadlineMs: number) {
    if (typeof namespace?.idFromName !== "function" || typeof namespace.get !== "function") {
      throw new InvalidRequestError(
        `a namespace of Durable Objects is a binding such as env.BUDGET, got ${show(namespace)}`,
      );
    }
    if (typeof name !== "string" || name === "") {
      throw new InvalidRequestError(`the name of an object must be a string, not empty, got ${show(name)}`);
    }
    if (!(typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS)) {
      throw new InvalidRequestError(
        `deadlineMs must be above 0, at most ${LONGEST_TIMER_MS} milliseconds, got ${show(deadlineMs)}`,
      );
    }
    this.#namespace = namespace;
    this.#name = name;
    this.deadlineMs = deadlineMs;
  }

  /**
   * Asks, and asks again where an answer may still come: until `deadlineMs` have passed in which nothing was heard. `heard` is to be
   * called by `ask` when the object has shown that it is there.
   *
   * @throws {BackendUnavailableError} if it cannot be reached.
   */
  async call<T>(ask: (remote: Remote, heard: () => void) => PromiseLike<T>): Promise<T> {
    let last = systemClock.now();
    let retryMs = 0;
    for (;;) {
      const heard = () => {
        last = systemClock.now();
        retryMs = 0;
      };
      try {
        return await ask(this.#open(), heard);
      } catch (error) {
        // It may be another request's, which is of no use here; and one that has failed once fails always.
        this.#stub = undefined;
        if (error instanceof LimitError) throw error;
        if (!isPassing(error) || systemClock.now() - last >= this.deadlineMs) throw unavailable(error);
      }
      if (retryMs > 0) await pause(retryMs);
      retryMs = Math.min(Math.max(2 * retryMs, FIRST_RETRY_MS), LAST_RETRY_MS);
    }
  }

  /** Waits for the answer to a call; rejects if it takes longer than `deadlineMs`, or `ms`. */
  within<T>(answer: PromiseLike<T>, ms = this.deadlineMs): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = () =>
        reject(new BackendUnavailableError(`the object "${this.#name}" has not answered within ${ms} ms`));
      const timer = ms <= LONGEST_TIMER_MS ? systemClock.setTimeout(late, ms) : undefined;
      const done = () => timer !== undefined && systemClock.clearTimeout(timer);
      answer.then(
        (value) => {
          done();
          resolve(value);
        },
        (error) => {
          done();
          reject(error);
        },
      );
    });
  }

  #open(): Remote {
    this.#stub ??= this.#namespace.get(this.#namespace.idFromName(this.#name)) as Remote;
    return this.#stub;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setTimeout(resolve, ms);
  });
}

/** What the platform says of a call that failed. */
interface Trouble {
  readonly overloaded?: boolean;
  readonly remote?: boolean;
  readonly retryable?: boolean;
  readonly durableObjectReset?: boolean;
}

/** Whether it makes sense to ask again: not where the object has more to do than it can, or has thrown. */
function isPassing(error: unknown): boolean {
  const { overloaded, remote, retryable, durableObjectReset } = (error ?? {}) as Trouble;
  if (overloaded) return false;
  return !remote || retryable === true || durableObjectReset === true;
}

function unavailable(error: unknown): BackendUnavailableError {
  const why = error instanceof Error ? error.message : String(error);
  return new BackendUnavailableError(`the limits cannot be reached: ${why}`);
}
