/** The route to an object. It repeats calls that failed because the object moved, restarted or was out of reach for a moment. */

import { BackendUnavailableError, InvalidRequestError, LimitError, show } from "../errors.ts";
import { LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import type { ObjectNamespace } from "./bindings.ts";
import type { ObjectStub } from "./protocol.ts";

// The first repetition follows at once, the second after the shorter pause; later ones double it up to the longer one.
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 1_000;

/** The route to the object `name` of a namespace. */
export class Route {
  readonly deadlineMs: number;
  readonly #namespace: ObjectNamespace;
  readonly #name: string;
  /** Calls through one stub arrive in the order in which they are made. It works in the HTTP request that made it, until it breaks. */
  #stub: ObjectStub | undefined;

  /** @throws {InvalidRequestError} for a namespace that is no binding, an empty name, or a deadline out of bounds. */
  constructor(namespace: ObjectNamespace, name: string, deadlineMs: number) {
    if (typeof namespace?.idFromName !== "function" || typeof namespace.get !== "function") {
      throw new InvalidRequestError(
        `the namespace must be a binding such as env.BUDGET, got ${show(namespace)}`,
      );
    }
    if (typeof name !== "string" || name === "") {
      throw new InvalidRequestError(`the name of an object must be a non-empty string, got ${show(name)}`);
    }
    if (!(typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS)) {
      throw new InvalidRequestError(
        `deadlineMs must be above 0 and at most ${LONGEST_TIMER_MS} milliseconds, got ${show(deadlineMs)}`,
      );
    }
    this.#namespace = namespace;
    this.#name = name;
    this.deadlineMs = deadlineMs;
  }

  /**
   * Calls one method of the object. Each attempt has `deadlineMs` for its answer.
   *
   * @throws {BackendUnavailableError} if the object cannot be reached.
   */
  call<T>(method: (stub: ObjectStub) => PromiseLike<T>): Promise<T> {
    return this.attempt((stub) => this.within(method(stub)));
  }

  /**
   * Runs `body`, again and again while the object is out of reach, until nothing was heard of the object for `deadlineMs`. `body`
   * calls `heard` when the object has shown that it is there.
   *
   * @throws {BackendUnavailableError} if the object cannot be reached.
   */
  async attempt<T>(body: (stub: ObjectStub, heard: () => void) => PromiseLike<T>): Promise<T> {
    let heardAt = systemClock.now();
    let pauseMs = 0;
    for (;;) {
      const heard = () => {
        heardAt = systemClock.now();
        pauseMs = 0;
      };
      try {
        return await body(this.#open(), heard);
      } catch (error) {
        // A stub that has failed once always fails. It may also belong to another HTTP request, and then it is of no use in this one.
        this.#stub = undefined;
        if (error instanceof LimitError) throw error;
        if (!isPassing(error) || systemClock.now() - heardAt >= this.deadlineMs) throw unavailable(error);
      }
      if (pauseMs > 0) await pause(pauseMs);
      pauseMs = Math.min(Math.max(2 * pauseMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS);
    }
  }

  /**
   * Waits for an answer.
   *
   * @throws {BackendUnavailableError} after `ms` milliseconds without one.
   */
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

  #open(): ObjectStub {
    this.#stub ??= this.#namespace.get(this.#namespace.idFromName(this.#name)) as ObjectStub;
    return this.#stub;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    systemClock.setTimeout(resolve, ms);
  });
}

/** The properties that the platform gives to the error of a failed call. */
interface CallFailure {
  readonly overloaded?: boolean;
  readonly remote?: boolean;
  readonly retryable?: boolean;
  readonly durableObjectReset?: boolean;
}

/** Whether the call may succeed when repeated. It does not if the object is overloaded, or its code has thrown. */
function isPassing(error: unknown): boolean {
  const { overloaded, remote, retryable, durableObjectReset } = (error ?? {}) as CallFailure;
  if (overloaded) return false;
  return !remote || retryable === true || durableObjectReset === true;
}

function unavailable(error: unknown): BackendUnavailableError {
  const why = error instanceof Error ? error.message : String(error);
  return new BackendUnavailableError(`the limits cannot be reached: ${why}`);
}
