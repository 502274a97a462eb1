/**
 * The queue of a local set. It has one timer, set to the earlier of the next possible grant and the next timeout.
 */

import type { AcquireOptions } from "../contract.ts";
import { isGranted, tokenOf, waitOf } from "../core/answer.ts";
import { toMicros } from "../limits/units.ts";
import { Alarm } from "./alarm.ts";
import type { Due } from "./deadlines.ts";
import { Departures } from "./departures.ts";
import type { Gate, Queue } from "./gate.ts";
import { FREE, type Request, type Stop, stopFor, type Waiting } from "./line.ts";
import { Lines } from "./lines.ts";

interface Waiter<T> extends Due, Waiting<T, Waiter<T>> {}

export class LocalQueue<T> implements Queue<T> {
  readonly #gate: Gate<T>;
  readonly lines: Lines<Waiter<T>>;
  readonly #departures = new Departures<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  readonly #alarm: Alarm;
  #turns = 0;
  #passesAt = Number.POSITIVE_INFINITY;

  constructor(limits: number, gate: Gate<T>) {
    this.#gate = gate;
    this.lines = new Lines(limits);
    this.#alarm = new Alarm(gate.clock, () => this.#wake());
  }

  get passesAt(): number {
    return this.#passesAt;
  }

  standsBefore(units: readonly number[], now: number): boolean {
    // Waiters that could go by now, but whose timer has not fired yet, go first.
    if (this.#passesAt <= now && this.lines.areWanted(units)) {
      this.#serveAt(now);
      this.#arm(now);
    }
    return this.lines.areWanted(units);
  }

  enqueue(request: Request, wait: number | undefined, now: number, options?: AcquireOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
      const waiter: Waiter<T> = {
        request,
        turn: this.#turns++,
        since: toMicros(now),
        line: undefined,
        timeoutMs,
        signal: options?.signal,
        deadline: now + timeoutMs,
        place: -1,
        resolve,
        reject,
        previous: undefined,
        next: undefined,
      };
      this.lines.stand(waiter);
      this.#departures.add(waiter);
      if (wait !== undefined) this.#passesAt = Math.min(this.#passesAt, now + wait);
      const wakeWord = this.#gate.wakeWord;
      if (wakeWord && !wakeWord.listening) {
        this.#listen(now);
      } else if (request.covered && wait === undefined) {
        // A nested request may pass some of the waiters before it.
        this.#serveAt(now);
        this.#expire(now);
      }
      this.#arm(now);
    });
  }

  serve(): void {
    if (this.lines.size === 0) return;
    const now = this.#read();
    if (this.#gate.wakeWord?.listening === false) this.#listen(now);
    else this.#serveAt(now);
    this.#arm(now);
  }

  close(error: Error): void {
    for (const line of this.lines) {
      while (line.head) this.#leave(line.head).reject(error);
    }
    this.#arm(0);
  }

  /** Serves, and lets every later release of another thread wake this one. */
  #listen(now: number): void {
    const wakeWord = this.#gate.wakeWord!;
    wakeWord.prepare();
    this.#serveAt(now);
    if (this.#expire(now)) this.#serveAt(now);
    if (this.lines.size > 0) wakeWord.listen(() => this.serve());
  }

  #serveAt(now: number): void {
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.#expire(now, true);
    this.lines.serve((waiter) => this.#take(waiter, now));
  }

  /** Takes for a waiter whose turn it is. */
  #take(waiter: Waiter<T>, now: number): Stop {
    const { request, since } = waiter;
    const answer = this.#gate.take(request, now, since);
    if (isGranted(answer)) {
      this.#leave(waiter).resolve(this.#gate.grant(request, tokenOf(answer)));
      return FREE;
    }
    this.#passesAt = Math.min(this.#passesAt, now + waitOf(answer));
    return stopFor(waitOf(answer));
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) this.#turnAway(waiter, reason);
    const now = this.#read();
    if (this.lines.size > 0) this.#serveAt(now);
    this.#arm(now);
  }

  /** The time. If the clock has none, no waiter could ever go: all of them reject with its error. */
  #read(): number {
    try {
      return this.#gate.clock.now();
    } catch (error) {
      this.close(error as Error);
      return 0;
    }
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.#leave(waiter).reject(reason);
    this.#gate.withdraw(waiter.since);
  }

  #leave(waiter: Waiter<T>): Waiter<T> {
    this.lines.leave(waiter);
    this.#departures.remove(waiter);
    return waiter;
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
    for (let late = next(); late; late = next()) {
      this.#turnAway(late, this.#gate.timeout(late.request, late.timeoutMs));
    }
    return this.lines.size < before;
  }

  #arm(now: number): void {
    if (this.lines.size > 0) {
      this.#alarm.ringBy(Math.min(this.#passesAt, this.#departures.firstDeadline), now);
      return;
    }
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.#gate.wakeWord?.rest();
    this.#alarm.clear();
  }
}
