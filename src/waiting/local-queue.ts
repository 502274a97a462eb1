/**
 * The queue of a local set. It has one timer, set to the earlier of the next possible grant and the next timeout.
 */

import { Alarm } from "./alarm.ts";
import { Departures } from "./departures.ts";
import type { Gate, QueueOptions } from "./gate.ts";
import type { Verdict } from "./judge.ts";
import { BaseQueue, type Waiting } from "./queue.ts";
import type { Request } from "./standing.ts";

interface Waiter<T> extends Waiting<T, Waiter<T>> {}

export class LocalQueue<T> extends BaseQueue<T, Waiter<T>> {
  readonly #departures = new Departures<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  readonly #alarm: Alarm;

  constructor(limits: number, gate: Gate<T>, options: QueueOptions) {
    super(limits, gate, options);
    this.#alarm = new Alarm(gate.clock, () => this.#wake());
  }

  serve(back?: readonly number[], request?: Request): void {
    if (this.lines.size === 0) {
      // Those that waited may have gone with the limits that they wanted.
      this.#arm(0);
      return;
    }
    const now = this.#read();
    this.lines.cameBack(back, request);
    if (this.gate.wakeWord?.listening === false) this.#listen(now);
    else this.#serveAt(now);
    this.#arm(now);
  }

  close(error: Error): void {
    for (const line of this.lines) {
      while (line.head) this.settle(line.head).reject(error);
    }
    this.#arm(0);
  }

  judge(waiter: Waiter<T>, demand: readonly number[] | undefined): boolean {
    return this.judgeAnswer(waiter, this.gate.take(waiter.request, demand, this.now, waiter.since), demand);
  }

  protected catchUp(now: number): void {
    if (this.passesAt > now) return;
    this.#serveAt(now);
    this.#arm(now);
  }

  protected stand(waiter: Waiter<T>, verdict: Verdict | undefined, now: number): void {
    const line = this.lines.stand(waiter);
    this.#departures.add(waiter);
    if (verdict && line.head === waiter) {
      this.lines.park(line, verdict);
      this.passesAt = Math.min(this.passesAt, verdict.moment);
    }
    const wakeWord = this.gate.wakeWord;
    if (wakeWord && !wakeWord.listening) {
      this.lines.cameBack();
      this.#listen(now);
    } else if (this.lines.nested > 0) {
      // The demand of the new waiter may free a nested request of the demand before it.
      this.#serveAt(now);
      this.#expire(now);
    }
    this.#arm(now);
  }

  protected settle(waiter: Waiter<T>, isGranted = false): Waiter<T> {
    this.lines.leave(waiter, isGranted);
    this.#departures.remove(waiter);
    this.left(waiter, isGranted);
    return waiter;
  }

  /** Serves, and lets every later release of another thread wake this one. */
  #listen(now: number): void {
    const wakeWord = this.gate.wakeWord!;
    wakeWord.prepare();
    this.#serveAt(now);
    if (this.#expire(now)) this.#serveAt(now);
    if (this.lines.size > 0) wakeWord.listen(() => this.#heard());
  }

  /** Another thread has changed something. */
  #heard(): void {
    const now = this.#read();
    if (this.lines.size > 0) this.reviewPauses(now);
    this.serve();
  }

  #serveAt(now: number): void {
    this.#expire(now, true);
    this.now = now;
    this.lines.serve(this, now);
    this.passesAt = this.lines.moment;
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) {
      this.gate.aborted(waiter.request);
      this.#turnAway(waiter, reason);
    }
    const now = this.#read();
    if (this.lines.size > 0) this.#serveAt(now);
    this.#arm(now);
  }

  /** The time. If the clock has none, no waiter could ever go: all of them reject with its error. */
  #read(): number {
    try {
      return this.gate.clock.now();
    } catch (error) {
      this.close(error as Error);
      return 0;
    }
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.settle(waiter).reject(reason);
    this.gate.withdraw(waiter.since);
  }

  #wake(): void {
    const now = this.#read();
    // A waiter that can go at the very moment of its deadline goes.
    this.#serveAt(now);
    if (this.#expire(now)) this.#serveAt(now);
    this.#arm(now);
  }

  /** Turns away the waiters whose deadline has come, or `isPast`, and tells whether there were any. */
  #expire(now: number, isPast = false): boolean {
    const before = this.lines.size;
    const next = () => this.#departures.takeLate(now, isPast);
    for (let late = next(); late; late = next()) this.#turnAway(late, this.timeout(late, now));
    return this.lines.size < before;
  }

  #arm(now: number): void {
    if (this.lines.size > 0) {
      this.#alarm.ringBy(Math.min(this.passesAt, this.#departures.firstDeadline), now);
      return;
    }
    this.passesAt = Number.POSITIVE_INFINITY;
    this.gate.wakeWord?.rest();
    this.#alarm.clear();
  }
}
