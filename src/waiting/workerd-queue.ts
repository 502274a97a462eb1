/**
 * The queue of a local set in workerd, where each waiter lives in an HTTP request of its own. A set that is made at module
 * scope is shared by all HTTP requests of the isolate, but none of them can use what another owns:
 *
 * - A timer belongs to the HTTP request that set it, and is gone when that ends or is cancelled. So each waiter has its
 *   own timer.
 * - An HTTP request that waits for nothing of the platform's is cancelled as hung. So no waiter sleeps without a timer,
 *   even if it waits for a release.
 * - An HTTP request that is cancelled, because its client has gone, runs no further code, not even a `finally`: a grant
 *   after that would never come back. So a waiter takes only while its own HTTP request runs. When another HTTP request
 *   finds that the waiter could go, it wakes the waiter by resolving the promise of its nap: that does cross over. The
 *   waiters behind it wait until it has run. A waiter that has not run for some time counts as gone, and is passed.
 */

import type { AcquireOptions } from "../contract.ts";
import { isGranted, tokenOf, waitOf } from "../core/answer.ts";
import { toMicros } from "../limits/units.ts";
import { throwIfAborted } from "../platform/aborted.ts";
import { Aborts } from "./aborts.ts";
import type { Gate, Queue } from "./gate.ts";
import { FREE, type Request, type Stop, stopFor, type Waiting } from "./line.ts";
import { Lines } from "./lines.ts";

// How long a waiter sleeps at most, and after how long without running it counts as gone.
const NAP_MS = 500;
const GONE_MS = 1250;

interface Waiter<T> extends Waiting<T, Waiter<T>> {
  /** Whether it still waits: it is neither granted nor turned away. */
  waits: boolean;
  /** When it can go, as far as is known. */
  passesAt: number;
  /** When its HTTP request ran last. */
  seenAt: number;
  /** Ends its nap; any HTTP request may call it. */
  wake: () => void;
}

export class WorkerdQueue<T> implements Queue<T> {
  readonly #gate: Gate<T>;
  readonly lines: Lines<Waiter<T>>;
  readonly #aborts = new Aborts<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  #turns = 0;
  #passesAt = Number.POSITIVE_INFINITY;

  constructor(limits: number, gate: Gate<T>) {
    this.#gate = gate;
    this.lines = new Lines(limits);
  }

  get passesAt(): number {
    return this.#passesAt;
  }

  standsBefore(units: readonly number[], now: number): boolean {
    // This takes out the waiters that are gone, and wakes those that could go by now: they go first.
    if (this.lines.areWanted(units)) this.#serveAt(now);
    return this.lines.areWanted(units);
  }

  enqueue(request: Request, wait: number | undefined, now: number, options?: AcquireOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
      const waiter: Waiter<T> = {
        request,
        turn: this.#turns++,
        since: toMicros(now),
        deadline: now + timeoutMs,
        timeoutMs,
        signal: options?.signal,
        resolve,
        reject,
        waits: true,
        passesAt: now + (wait ?? Number.POSITIVE_INFINITY),
        seenAt: now,
        wake: () => {},
        line: undefined,
        previous: undefined,
        next: undefined,
      };
      this.#passesAt = Math.min(this.#passesAt, waiter.passesAt);
      this.#join(waiter);
      // A nested request may pass some of the waiters before it.
      if (request.covered && wait === undefined) this.#run(waiter, now);
      void this.#attend(waiter, now);
    });
  }

  serve(): void {
    if (this.lines.size > 0) this.#serveAt(this.#gate.clock.now());
  }

  close(error: Error): void {
    for (const line of this.lines) {
      while (line.head) this.#settle(line.head).reject(error);
    }
    this.#passesAt = Number.POSITIVE_INFINITY;
  }

  /** Runs in the waiter's HTTP request for as long as it waits. */
  async #attend(waiter: Waiter<T>, since: number): Promise<void> {
    try {
      for (let now = since; waiter.waits; ) {
        await this.#nap(waiter, now);
        now = this.#gate.clock.now();
        if (waiter.waits) this.#run(waiter, now);
      }
    } catch (error) {
      // At module scope there are no timers.
      if (waiter.waits) this.#turnAway(waiter, error);
    }
  }

  /** Sleeps until the waiter can go or its deadline, for `NAP_MS` at most; or until it is woken. */
  async #nap(waiter: Waiter<T>, now: number): Promise<void> {
    const { clock } = this.#gate;
    const ms = Math.max(0, Math.min(waiter.deadline - now, waiter.passesAt - now, NAP_MS));
    let timer: unknown;
    // Code behind an `await` runs on in its own HTTP request, even if another one settles the promise.
    await new Promise<void>((resolve) => {
      waiter.wake = resolve;
      timer = clock.setTimeout(resolve, ms);
    });
    clock.clearTimeout(timer);
  }

  /** The waiter's HTTP request runs: the waiter takes if it is its turn, and leaves if its timeout has passed. */
  #run(waiter: Waiter<T>, now: number): void {
    waiter.seenAt = now;
    waiter.passesAt = Number.POSITIVE_INFINITY;
    if (!waiter.line) this.#rejoin(waiter);
    this.#serveAt(now, waiter);
    // A waiter that can go at the very moment of its deadline goes.
    if (!waiter.waits || waiter.deadline > now) return;
    this.#turnAway(waiter, this.#gate.timeout(waiter.request, waiter.timeoutMs));
    this.#serveAt(now);
  }

  /** Takes for `own`, the waiter whose HTTP request runs, and wakes the others that can go. */
  #serveAt(now: number, own?: Waiter<T>): void {
    this.#passGone(now);
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.lines.serve((waiter) => (waiter === own ? this.#take(waiter, now) : this.#call(waiter, now)));
  }

  #take(waiter: Waiter<T>, now: number): Stop {
    const { request, since } = waiter;
    if (waiter.deadline < now) {
      this.#turnAway(waiter, this.#gate.timeout(request, waiter.timeoutMs));
      return FREE;
    }
    const answer = this.#gate.take(request, now, since);
    if (isGranted(answer)) {
      this.#settle(waiter).resolve(this.#gate.grant(request, tokenOf(answer)));
      return FREE;
    }
    return this.#stop(waiter, now, waitOf(answer));
  }

  /** Wakes a waiter of another HTTP request if it can go sooner than it knows. */
  #call(waiter: Waiter<T>, now: number): Stop {
    const wait = Math.max(0, waitOf(this.#gate.probe(waiter.request, now)));
    if (now + wait < waiter.passesAt) waiter.wake();
    return this.#stop(waiter, now, wait);
  }

  #stop(waiter: Waiter<T>, now: number, wait: number): Stop {
    waiter.passesAt = now + wait;
    this.#passesAt = Math.min(this.#passesAt, waiter.passesAt);
    return stopFor(wait);
  }

  /** Takes the waiters out of their lines whose HTTP requests seem to run no more. */
  #passGone(now: number): void {
    for (const line of this.lines) {
      while (line.head && now - line.head.seenAt > GONE_MS) this.#leave(line.head);
    }
  }

  #join(waiter: Waiter<T>): void {
    this.lines.stand(waiter);
    if (waiter.signal) this.#aborts.add(waiter.signal, waiter);
  }

  /** Puts a waiter back where it stood: it was passed as gone, and is not. */
  #rejoin(waiter: Waiter<T>): void {
    throwIfAborted(waiter.signal);
    this.#join(waiter);
  }

  #leave(waiter: Waiter<T>): void {
    this.lines.leave(waiter);
    if (waiter.signal) this.#aborts.remove(waiter.signal, waiter);
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) this.#turnAway(waiter, reason);
    this.serve();
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.#settle(waiter).reject(reason);
    this.#gate.withdraw(waiter.since);
  }

  /** Ends the wait of a waiter. Its nap ends too, so that its timer is cleared. */
  #settle(waiter: Waiter<T>): Waiter<T> {
    this.#leave(waiter);
    waiter.waits = false;
    waiter.wake();
    return waiter;
  }
}
