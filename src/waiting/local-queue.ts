/** Who waits, woken by what. One timer a queue, for the nearest of: the first moment at which some head could pass, the first timeout. */

import type { AcquireOptions } from "../contract.ts";
import { isGranted, tokenOf, waitOf } from "../core/answer.ts";
import { toMicros } from "../limits/units.ts";
import { LONGEST_TIMER_MS } from "../platform/clock.ts";
import { Aborts } from "./aborts.ts";
import { Deadlines, type Due } from "./deadlines.ts";
import type { Gate, Queue } from "./gate.ts";
import { Lines, type Request, type Waiting } from "./lines.ts";

interface Waiter<T> extends Due, Waiting<T, Waiter<T>> {}

export class WaitQueue<T> extends Lines<Waiter<T>> implements Queue<T> {
  readonly #gate: Gate<T>;
  readonly #deadlines = new Deadlines<Waiter<T>>();
  readonly #aborts = new Aborts<Waiter<T>>((waiters, reason) => this.#cancel(waiters, reason));
  #turns = 0;
  /** When the first head could pass, as far as is known. */
  #passesAt = Number.POSITIVE_INFINITY;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;

  constructor(limits: number, gate: Gate<T>) {
    super(limits);
    this.#gate = gate;
  }

  /** When the first head could pass, in milliseconds since the epoch; Infinity if that hangs on a release. */
  get passesAt(): number {
    return this.#passesAt;
  }

  /** Whether somebody waits who comes before a new request: who waits for one of the same limits. */
  standsBefore(units: readonly number[], now: number): boolean {
    // Whoever could have passed by now, and only has not been woken yet, goes first.
    if (this.#passesAt <= now && this.wants(units)) {
      this.#serve(now);
      this.#arm(now);
    }
    return this.wants(units);
  }

  /** Waits for its turn. `wait` is what the gate has just answered, undefined if it was not asked. */
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
      this.stand(waiter);
      if (timeoutMs !== Number.POSITIVE_INFINITY) this.#deadlines.add(waiter);
      if (waiter.signal) this.#aborts.add(waiter.signal, waiter);
      if (wait !== undefined) this.#passesAt = Math.min(this.#passesAt, now + wait);
      const wakeWord = this.#gate.wakeWord;
      if (wakeWord && !wakeWord.listening) {
        this.#listen(now);
      } else if (request.covered && wait === undefined) {
        // A nested request may pass some of those it found here.
        this.#serve(now);
        this.#expire(now);
      }
      this.#arm(now);
    });
  }

  /** Something came back or may have: grants whatever can pass now. */
  serve(): void {
    if (this.size === 0) return;
    const now = this.#gate.clock.now();
    if (this.#gate.wakeWord?.listening === false) this.#listen(now);
    else this.#serve(now);
    this.#arm(now);
  }

  /** Turns everybody away. */
  close(error: Error): void {
    for (const line of this.lines) {
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
    if (this.size > 0) wakeWord.listen(() => this.serve());
  }

  #serve(now: number): void {
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.restart();
    for (let line = this.nextLine(); line; line = this.nextLine()) {
      const { request, since } = line.head!;
      const answer = this.#gate.take(request, now, since);
      if (isGranted(answer)) {
        this.#leave(line.head!).resolve(this.#gate.grant(request, tokenOf(answer)));
      } else {
        this.#passesAt = Math.min(this.#passesAt, now + waitOf(answer));
        this.halt(line, waitOf(answer));
      }
    }
  }

  #cancel(waiters: readonly Waiter<T>[], reason: unknown): void {
    for (const waiter of waiters) this.#turnAway(waiter, reason);
    const now = this.#gate.clock.now();
    if (this.size > 0) this.#serve(now);
    this.#arm(now);
  }

  #turnAway(waiter: Waiter<T>, reason: unknown): void {
    this.#leave(waiter).reject(reason);
    this.#gate.withdraw(waiter.since);
  }

  #leave(waiter: Waiter<T>): Waiter<T> {
    this.leave(waiter);
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
    const before = this.size;
    for (let late = this.#deadlines.first; late && late.deadline <= now; late = this.#deadlines.first) {
      this.#turnAway(late, this.#gate.timeout(late.request, late.timeoutMs));
    }
    return this.size < before;
  }

  /** Sets the timer if it is not set early enough; with nobody waiting, clears it. */
  #arm(now: number): void {
    if (this.size === 0) {
      this.#passesAt = Number.POSITIVE_INFINITY;
      this.#gate.wakeWord?.rest();
    }
    const at = Math.min(this.#passesAt, this.#deadlines.first?.deadline ?? Number.POSITIVE_INFINITY);
    // One that is set too early does no harm when it fires, and costs less than setting it anew each time.
    if (this.#timerAt <= at && this.size > 0) return;
    if (this.#timer !== undefined) this.#gate.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY) return;
    this.#timerAt = at;
    const ms = Math.min(Math.max(at - now, 0), LONGEST_TIMER_MS);
    this.#timer = this.#gate.clock.setTimeout(() => this.#wake(), ms);
  }
}
