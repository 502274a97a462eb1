/**
 * Who waits where each waiter lives in a request of its own (workerd): a set that is made at module scope is shared by
 * all requests of the isolate, and what one of them owns is out of the others' reach.
 *
 * - A timer belongs to the request that set it, and is gone when that ends or is cancelled. So each waiter has its own.
 * - A request that waits for nothing of the platform's is cancelled as hung. So no waiter sleeps without a timer, be it
 *   only a release that it waits for.
 * - A request that is cancelled, because its client has gone, runs no line any more, not even a `finally`: whatever it is
 *   granted after that, nobody gives back. So nothing is taken for a waiter but in its own request: another one, which
 *   finds that it could pass, calls it by settling its nap, the one thing that does cross, and everybody who stands behind it waits
 *   for it. A waiter that has not been seen for some time is taken for gone, and passed.
 */

import type { AcquireOptions } from "../contract.ts";
import { isGranted, tokenOf, waitOf } from "../core/answer.ts";
import { toMicros } from "../limits/units.ts";
import { Aborts } from "./aborts.ts";
import type { Gate, Queue } from "./gate.ts";
import { Lines, type Request, type Waiting } from "./lines.ts";

// How long a waiter sleeps at most, and after how long without a sign of life it is taken for gone.
const NAP_MS = 500;
const GONE_MS = 1250;

interface Waiter<T> extends Waiting<T, Waiter<T>> {
  /** Neither granted nor turned away. */
  waits: boolean;
  /** When it could pass, as far as it has been told. */
  passesAt: number;
  /** When its request ran last. */
  seenAt: number;
  /** Ends its nap, from whatever request. */
  wake: () => void;
}

export class RequestQueue<T> extends Lines<Waiter<T>> implements Queue<T> {
  readonly #gate: Gate<T>;
  readonly #aborts = new Aborts<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  #turns = 0;
  #passesAt = Number.POSITIVE_INFINITY;

  constructor(limits: number, gate: Gate<T>) {
    super(limits);
    this.#gate = gate;
  }

  get passesAt(): number {
    return this.#passesAt;
  }

  standsBefore(units: readonly number[], now: number): boolean {
    // Whoever is gone stands before nobody. Whoever could pass by now goes first.
    if (this.wants(units)) this.#serve(now);
    return this.wants(units);
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
      // A nested request may pass some of those it found here.
      if (request.covered && wait === undefined) this.#look(waiter, now);
      void this.#attend(waiter, now);
    });
  }

  serve(): void {
    if (this.size > 0) this.#serve(this.#gate.clock.now());
  }

  close(error: Error): void {
    for (const line of this.lines) {
      while (line.head) this.#settle(line.head).reject(error);
    }
    this.#passesAt = Number.POSITIVE_INFINITY;
  }

  /** What a waiter does in its request, until it waits no more. */
  async #attend(waiter: Waiter<T>, since: number): Promise<void> {
    try {
      for (let now = since; waiter.waits; ) {
        await this.#nap(waiter, now);
        now = this.#gate.clock.now();
        if (waiter.waits) this.#look(waiter, now);
      }
    } catch (error) {
      // At module scope there are no timers.
      if (waiter.waits) this.#turnAway(waiter, error);
    }
  }

  /** Sleeps until its deadline, or until it could pass; for `NAP_MS` at most; or until it is called. */
  async #nap(waiter: Waiter<T>, now: number): Promise<void> {
    const { clock } = this.#gate;
    const ms = Math.max(0, Math.min(waiter.deadline - now, waiter.passesAt - now, NAP_MS));
    let timer: unknown;
    // Whoever settles a promise, it is continued in the request that made it.
    await new Promise<void>((resolve) => {
      waiter.wake = resolve;
      timer = clock.setTimeout(resolve, ms);
    });
    clock.clearTimeout(timer);
  }

  /** A waiter's request runs: takes if it is its turn, leaves if its time is up. */
  #look(waiter: Waiter<T>, now: number): void {
    waiter.seenAt = now;
    waiter.passesAt = Number.POSITIVE_INFINITY;
    if (!waiter.line) this.#rejoin(waiter);
    this.#serve(now, waiter);
    // Whoever can pass at the very moment of its deadline passes.
    if (!waiter.waits || waiter.deadline > now) return;
    this.#turnAway(waiter, this.#gate.timeout(waiter.request, waiter.timeoutMs));
    this.#serve(now);
  }

  /** Takes for `own`, in whose request this runs, and calls others who could pass. */
  #serve(now: number, own?: Waiter<T>): void {
    this.#passGone(now);
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.restart();
    for (let line = this.nextLine(); line; line = this.nextLine()) {
      const head = line.head!;
      const { request, since } = head;
      const isOwn = head === own;
      const answer = isOwn ? this.#gate.take(request, now, since) : this.#gate.probe(request, now);
      if (isOwn && isGranted(answer)) {
        this.#settle(head).resolve(this.#gate.grant(request, tokenOf(answer)));
        continue;
      }
      const wait = Math.max(0, waitOf(answer));
      const passesAt = now + wait;
      this.#passesAt = Math.min(this.#passesAt, passesAt);
      // It sleeps too long, by what it knew.
      if (!isOwn && passesAt < head.passesAt) head.wake();
      head.passesAt = passesAt;
      this.halt(line, wait);
    }
  }

  /** Takes those out of the way whose requests seem to run no more. */
  #passGone(now: number): void {
    for (const line of this.lines) {
      while (line.head && now - line.head.seenAt > GONE_MS) {
        const gone = line.head;
        this.leave(gone);
        if (gone.signal) this.#aborts.remove(gone.signal, gone);
      }
    }
  }

  #join(waiter: Waiter<T>): void {
    this.stand(waiter);
    if (waiter.signal) this.#aborts.add(waiter.signal, waiter);
  }

  /** It was passed as if it were gone, and is not: it goes back to where it stood. */
  #rejoin(waiter: Waiter<T>): void {
    waiter.signal?.throwIfAborted();
    this.#join(waiter);
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) this.#turnAway(waiter, reason);
    this.serve();
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.#settle(waiter).reject(reason);
    this.#gate.withdraw(waiter.since);
  }

  /** It waits no more; its nap ends, so that its timer goes with it. */
  #settle(waiter: Waiter<T>): Waiter<T> {
    this.leave(waiter);
    if (waiter.signal) this.#aborts.remove(waiter.signal, waiter);
    waiter.waits = false;
    waiter.wake();
    return waiter;
  }
}
