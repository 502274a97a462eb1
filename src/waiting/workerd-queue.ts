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

import { isGranted } from "../core/answer.ts";
import { throwIfAborted } from "../platform/aborted.ts";
import { Aborts } from "./aborts.ts";
import type { Gate } from "./gate.ts";
import type { Verdict } from "./judge.ts";
import { BaseQueue, type Waiting } from "./queue.ts";
import { isBefore, type Request } from "./standing.ts";

// How long a waiter sleeps at most, and after how long without running it counts as gone.
const NAP_MS = 500;
const GONE_MS = 1250;

interface Waiter<T> extends Waiting<T, Waiter<T>> {
  /** Whether it still waits: it is neither granted nor turned away. */
  waits: boolean;
  /** When it can go, as far as is known. */
  passesAt: number;
  /** The gate whose limits its request is in units of. */
  gate: Gate<T>;
  /** When its HTTP request ran last. */
  seenAt: number;
  /** Ends its nap; any HTTP request may call it. */
  wake: () => void;
}

export class WorkerdQueue<T> extends BaseQueue<T, Waiter<T>> {
  readonly #aborts = new Aborts<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  /** The waiter whose HTTP request runs. */
  #own: Waiter<T> | undefined;

  serve(back?: readonly number[], request?: Request): void {
    if (this.lines.size === 0) return;
    this.lines.cameBack(back, request);
    this.#serveAt(this.gate.clock.now());
  }

  close(error: Error): void {
    for (const line of this.lines) {
      while (line.head) this.settle(line.head).reject(error);
    }
    this.passesAt = Number.POSITIVE_INFINITY;
  }

  /** Takes for the waiter whose HTTP request runs, and wakes another that could go sooner than it knows. */
  judge(waiter: Waiter<T>, demand: readonly number[] | undefined): boolean {
    const { gate, now } = this;
    const { request, since } = waiter;
    if (waiter === this.#own) {
      if (waiter.deadline < now) {
        this.#turnAway(waiter, this.timeout(waiter, now));
        return true;
      }
      if (request.covered && this.#isPreceded(waiter)) {
        const at = waiter.line!.parkedAt!.limit;
        this.verdict = { at, moment: Number.POSITIVE_INFINITY, isBlocked: true, isPaused: false };
      } else if (this.judgeAnswer(waiter, gate.take(request, demand, now, since), demand)) return true;
    } else if (isGranted(gate.probe(request, demand, now))) {
      this.verdict = { at: waiter.line!.parkedAt!.limit, moment: now, isBlocked: false, isPaused: false };
    } else {
      this.verdict = this.verdictOn(request, demand, now);
    }
    const { moment } = this.verdict;
    if (waiter !== this.#own && moment < waiter.passesAt) waiter.wake();
    waiter.passesAt = moment;
    return false;
  }

  protected catchUp(now: number): void {
    // This takes out the waiters that are gone, and wakes those that could go by now: they go first.
    if (this.lines.size > 0) this.#serveAt(now);
  }

  protected stand(waiting: Waiting<T, Waiter<T>>, verdict: Verdict | undefined, now: number): void {
    const passesAt = verdict?.moment ?? Number.POSITIVE_INFINITY;
    const waiter: Waiter<T> = Object.assign(waiting, {
      waits: true,
      passesAt,
      gate: this.gate,
      seenAt: now,
      wake: () => {},
    });
    this.#join(waiter);
    const line = waiter.line!;
    if (verdict && line.head === waiter) {
      this.lines.park(line, verdict);
      this.passesAt = Math.min(this.passesAt, verdict.moment);
    }
    // The demand of the new waiter may free a nested request of the demand before it.
    if (this.lines.nested > 0) this.#run(waiter, now);
    void this.#attend(waiter, now);
  }

  /** Runs in the waiter's HTTP request for as long as it waits. */
  async #attend(waiter: Waiter<T>, since: number): Promise<void> {
    try {
      for (let now = since; waiter.waits; ) {
        await this.#nap(waiter, now);
        now = this.gate.clock.now();
        if (waiter.waits) this.#run(waiter, now);
      }
    } catch (error) {
      // At module scope there are no timers.
      if (waiter.waits) this.#turnAway(waiter, error);
    }
  }

  /** Sleeps until the waiter can go or its deadline, for `NAP_MS` at most; or until it is woken. */
  async #nap(waiter: Waiter<T>, now: number): Promise<void> {
    const { clock } = this.gate;
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
    this.#turnAway(waiter, this.timeout(waiter, now));
    this.#serveAt(now);
  }

  /** Takes for `own`, the waiter whose HTTP request runs, and wakes the others that can go. */
  #serveAt(now: number, own?: Waiter<T>): void {
    this.#passGone(now);
    this.#own = own;
    this.now = now;
    if (own) this.lines.cameBack();
    this.lines.serve(this, now);
    // It may stand behind one that can go, but whose HTTP request has not run yet.
    if (own?.line && this.lines.judge(own, this)) this.lines.serve(this, now);
    this.passesAt = this.lines.moment;
    this.#own = undefined;
  }

  /**
   * Whether a waiter before this nested one could go, whose HTTP request has not run yet. Of a limit that nested requests wait for in a ring,
   * the demand of those before does not count: so the order of the waiters has to be looked at by itself.
   */
  #isPreceded(own: Waiter<T>): boolean {
    for (const line of this.lines) {
      for (const waiter of line) {
        if (!isBefore(waiter, own)) break;
        const { request } = waiter;
        const isGone = this.now - waiter.seenAt > GONE_MS;
        if (
          !isGone &&
          isGranted(this.gate.probe(request, this.lines.demandBefore(request, waiter, this), this.now))
        )
          return true;
        if (!line.isNested) break;
      }
    }
    return false;
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
    if (waiter.gate !== this.gate) {
      this.standAnew(waiter, waiter.gate);
      this.lines.leave(waiter);
    }
    if (waiter.waits) this.#join(waiter);
  }

  protected override standAnew(waiter: Waiter<T>, before: Gate<T>): void {
    super.standAnew(waiter, before);
    waiter.gate = this.gate;
    waiter.passesAt = Number.POSITIVE_INFINITY;
  }

  #leave(waiter: Waiter<T>, isGranted = false): void {
    this.lines.leave(waiter, isGranted);
    if (waiter.signal) this.#aborts.remove(waiter.signal, waiter);
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) {
      this.gate.aborted(waiter.request);
      this.#turnAway(waiter, reason);
    }
    this.serve();
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.settle(waiter).reject(reason);
    this.gate.withdraw(waiter.since);
  }

  /** Ends the wait of a waiter. Its nap ends too, so that its timer is cleared. */
  protected settle(waiter: Waiter<T>, isGranted = false): Waiter<T> {
    this.#leave(waiter, isGranted);
    waiter.waits = false;
    waiter.wake();
    this.left(waiter, isGranted);
    return waiter;
  }
}
