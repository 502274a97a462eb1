/**
 * Who waits, in which order, woken by what.
 *
 * First come, first served among requests that share a limit: a waiter is passed only by requests that share none with
 * it or with anybody it would be waiting behind. So that a hundred thousand waiters cost as much each as ten, they are
 * kept in lines: one line for each combination of limits that is being waited for, and only the heads of lines are
 * ever looked at.
 *
 * A nested request (one whose caller holds something already) does not wait behind a request that waits for a
 * resource: what it holds may be that very resource. Behind requests that only wait for time to pass, it waits like
 * everybody else.
 *
 * One timer a queue, for the nearest of: the first moment at which some head could pass, the first timeout.
 */

import { Aborts } from "./aborts.ts";
import type { Clock } from "./clock.ts";
import type { AcquireOptions } from "./contract.ts";
import type { WakeWord } from "./core/wake-word.ts";
import { Deadlines, type Due } from "./deadlines.ts";
import { toMicros } from "./units.ts";

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
}

/** What a queue needs of the set before which it stands. */
export interface Gate<T> {
  readonly clock: Clock;
  /** By which other threads tell that something has come back; undefined while there are none. */
  readonly wakeWord: WakeWord | undefined;
  /**
   * Takes a request, which came at `since` (in microseconds), and returns when, 0 or more; or takes nothing and returns
   * minus the milliseconds to wait, -Infinity if for a release.
   */
  take(request: Request, now: number, since: number): number;
  /** The waiter that came at `since` waits no more. */
  withdraw(since: number): void;
  /** What to hand to a waiter whose request has just been taken. */
  grant(request: Request, takenAt: number): T;
  /** The error for a waiter that waited in vain. */
  timeout(request: Request, timeoutMs: number): Error;
}

interface Waiter<T> extends Due {
  readonly request: Request;
  readonly turn: number;
  /** When it came, in microseconds. */
  readonly since: number;
  readonly line: Line<T>;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  previous: Waiter<T> | undefined;
  next: Waiter<T> | undefined;
}

/** The waiters that want the same combination of limits, in order. */
interface Line<T> {
  readonly name: string;
  readonly limits: readonly number[];
  readonly nested: boolean;
  head: Waiter<T> | undefined;
  tail: Waiter<T> | undefined;
  /** In the present drain: the head has been tried and refused, or stands behind somebody who was. */
  stopped: boolean;
}

// What setTimeout takes at most: 24.8 days.
const LONGEST_TIMER_MS = 2 ** 31 - 1;

// In a drain, who may not pass a limit any more.
const FREE = 0;
/** Somebody waits there for a release: nested requests still pass. */
const AWAITS_RELEASE = 1;
/** Somebody waits there for time to pass: nobody else passes. */
const AWAITS_TIME = 2;

export class WaitQueue<T> {
  readonly #gate: Gate<T>;
  readonly #lines = new Map<string, Line<T>>();
  readonly #deadlines = new Deadlines<Waiter<T>>();
  readonly #aborts = new Aborts<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  /** How many wait for each limit. */
  readonly #waiting: number[];
  /** For each limit, during a drain: who is stopped there. */
  readonly #stops: number[];
  #size = 0;
  #turns = 0;
  /** When the first head could pass, as far as is known. */
  #passesAt = Number.POSITIVE_INFINITY;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(limits: number, gate: Gate<T>) {
    this.#gate = gate;
    this.#waiting = new Array(limits).fill(0);
    this.#stops = new Array(limits).fill(FREE);
  }

  get size(): number {
    return this.#size;
  }

  /** How many wait for limit `index`. */
  waitingFor(index: number): number {
    return this.#waiting[index]!;
  }

  /** When the first head could pass, in milliseconds since the epoch; Infinity if that hangs on a release. */
  get passesAt(): number {
    return this.#passesAt;
  }

  /** Whether somebody waits who comes before a new request: who waits for one of the same limits. */
  standsBefore(units: readonly number[], now: number): boolean {
    // Whoever could have passed by now, and only has not been woken yet, goes first.
    if (this.#passesAt <= now && this.#wants(units)) {
      this.#serve(now);
      this.#arm(now);
    }
    return this.#wants(units);
  }

  /** Waits for its turn. `wait` is what the gate has just answered, undefined if it was not asked. */
  enqueue(request: Request, wait: number | undefined, now: number, options?: AcquireOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
      const line = this.#lineFor(request);
      const waiter: Waiter<T> = {
        request,
        turn: this.#turns++,
        since: toMicros(now),
        line,
        timeoutMs,
        signal: options?.signal,
        deadline: now + timeoutMs,
        place: -1,
        resolve,
        reject,
        previous: line.tail,
        next: undefined,
      };
      if (line.tail) line.tail.next = waiter;
      else line.head = waiter;
      line.tail = waiter;
      this.#size++;
      for (const index of line.limits) this.#waiting[index]!++;
      if (timeoutMs !== Number.POSITIVE_INFINITY) this.#deadlines.add(waiter);
      if (waiter.signal) this.#aborts.add(waiter.signal, waiter);
      if (wait !== undefined) this.#passesAt = Math.min(this.#passesAt, now + wait);
      const wakeWord = this.#gate.wakeWord;
      if (wakeWord && !wakeWord.listening) {
        this.#listen(now);
      } else if (line.nested && wait === undefined) {
        // A nested request may pass some of those it found here.
        this.#serve(now);
        this.#expire(now);
      }
      this.#arm(now);
    });
  }

  /** Something came back or may have: grants whatever can pass now. */
  drain(): void {
    if (this.#size === 0) return;
    const now = this.#gate.clock.now();
    if (this.#gate.wakeWord?.listening === false) this.#listen(now);
    else this.#serve(now);
    this.#arm(now);
  }

  /** Turns everybody away. */
  close(error: Error): void {
    for (const line of this.#lines.values()) {
      while (line.head) this.#leave(line.head).reject(error);
    }
    this.#arm(0);
  }

  /** Serves, and is called back when another thread gives something back that came too late for this. */
  #listen(now: number): void {
    const wakeWord = this.#gate.wakeWord!;
    wakeWord.prepare();
    this.#serve(now);
    if (this.#expire(now)) this.#serve(now);
    if (this.#size > 0) wakeWord.listen(() => this.drain());
  }

  #wants(units: readonly number[]): boolean {
    return units.some((count, i) => count > 0 && this.#waiting[i]! > 0);
  }

  #lineFor({ units, covered }: Request): Line<T> {
    const limits: number[] = [];
    for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
    const nested = covered !== undefined;
    const name = `${nested ? "nested " : ""}${limits}`;
    let line = this.#lines.get(name);
    if (!line) {
      line = { name, limits, nested, head: undefined, tail: undefined, stopped: false };
      this.#lines.set(name, line);
    }
    return line;
  }

  #serve(now: number): void {
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.#stops.fill(FREE);
    for (const line of this.#lines.values()) line.stopped = false;
    for (let line = this.#nextLine(); line; line = this.#nextLine()) {
      const stop = this.#stopOf(line);
      if (stop !== FREE) {
        this.#stop(line, stop);
        continue;
      }
      const { request, since } = line.head!;
      const answer = this.#gate.take(request, now, since);
      if (answer >= 0) {
        this.#leave(line.head!).resolve(this.#gate.grant(request, answer));
      } else {
        this.#passesAt = Math.min(this.#passesAt, now - answer);
        this.#stop(line, answer === Number.NEGATIVE_INFINITY ? AWAITS_RELEASE : AWAITS_TIME);
      }
    }
  }

  /** The line, of those not stopped, whose head came first. */
  #nextLine(): Line<T> | undefined {
    let first: Line<T> | undefined;
    for (const line of this.#lines.values()) {
      if (!line.stopped && (!first || line.head!.turn < first.head!.turn)) first = line;
    }
    return first;
  }

  #stopOf(line: Line<T>): number {
    let stop = FREE;
    for (const index of line.limits) stop = Math.max(stop, this.#stops[index]!);
    return line.nested && stop === AWAITS_RELEASE ? FREE : stop;
  }

  #stop(line: Line<T>, stop: number): void {
    line.stopped = true;
    for (const index of line.limits) this.#stops[index] = Math.max(this.#stops[index]!, stop);
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) this.#turnAway(waiter, reason);
    const now = this.#gate.clock.now();
    if (this.#size > 0) this.#serve(now);
    this.#arm(now);
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.#leave(waiter).reject(reason);
    this.#gate.withdraw(waiter.since);
  }

  #leave(waiter: Waiter<T>): Waiter<T> {
    const { line, previous, next } = waiter;
    if (previous) previous.next = next;
    else line.head = next;
    if (next) next.previous = previous;
    else line.tail = previous;
    if (!line.head) this.#lines.delete(line.name);
    this.#size--;
    for (const index of line.limits) this.#waiting[index]!--;
    this.#deadlines.remove(waiter);
    if (waiter.signal) this.#aborts.remove(waiter.signal, waiter);
    return waiter;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#gate.clock.now();
    // Whoever can pass at the very moment of its deadline passes.
    this.#serve(now);
    if (this.#expire(now)) this.#serve(now);
    this.#arm(now);
  }

  /** Turns away those whose time is up, and tells whether there were any. */
  #expire(now: number): boolean {
    const before = this.#size;
    for (let late = this.#deadlines.first; late && late.deadline <= now; late = this.#deadlines.first) {
      this.#turnAway(late, this.#gate.timeout(late.request, late.timeoutMs));
    }
    return this.#size < before;
  }

  /** Sets the timer if it is not set early enough; with nobody waiting, clears it. */
  #arm(now: number): void {
    if (this.#size === 0) {
      this.#passesAt = Number.POSITIVE_INFINITY;
      this.#gate.wakeWord?.rest();
    }
    const at = Math.min(this.#passesAt, this.#deadlines.first?.deadline ?? Number.POSITIVE_INFINITY);
    // One that is set too early does no harm when it fires, and costs less than setting it anew each time.
    if (this.#timerAt <= at && this.#size > 0) return;
    if (this.#timer !== undefined) this.#gate.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timerAt = at;
    const ms = Math.min(Math.max(at - now, 0), LONGEST_TIMER_MS);
    this.#timer = this.#gate.clock.setTimeout(() => this.#wake(), ms);
  }
}
