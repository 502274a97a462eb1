/**
 * Who in this process asks and who waits, in which order. As `../wait-queue.ts`: first come, first served among requests that
 * share a limit; nested ones do not stand behind who waits for a resource. But the answers come later, so that many are
 * asked for in one batch: the script grants them in order, and stops where one is refused.
 */

import type { AcquireOptions } from "../contract.ts";
import { toMicros } from "../limits/units.ts";
import { type Clock, LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { Aborts } from "../waiting/aborts.ts";
import { Deadlines } from "../waiting/deadlines.ts";
import type { Operation, Timing } from "./conversation.ts";
import { type Asker, AWAITS_RELEASE, AWAITS_TIME, FREE, Line, UNKNOWN } from "./line.ts";
import { type Answer, parseAnswer, type Refused } from "./wire.ts";

/** What a queue needs of its set. */
export interface Desk<T> {
  readonly clock: Clock;
  /** There is something to ask. */
  kick(): void;
  /** How the script is asked. */
  encode(code: string, units: readonly number[]): string;
  /** What to hand to whom it was granted at `takenAt`; undefined if it cannot be held any more. */
  grant(asker: Asker<T>, takenAt: number): T | undefined;
  /** Gives back what was granted to somebody who has gone. */
  undo(asker: Asker<T>, takenAt: number): void;
  /** What to hand to whom it was refused now. */
  refusal(asker: Asker<T>, waitMs: number, limitedBy: readonly number[]): T;
  timeout(asker: Asker<T>, limitedBy: readonly number[]): unknown;
  /** The server does not answer: settles what has been asked, or returns false if it should wait on. */
  unanswered(asker: Asker<T>): boolean;
  failure(error: unknown): unknown;
  /** The limit that the script knows by this index. */
  inOrder(index: number): number;
  /** Somebody begins to wait, or nobody waits any more. */
  waits(somebody: boolean): void;
}

export interface Request {
  readonly units: readonly number[];
  readonly covered?: readonly boolean[] | undefined;
}

/** An operation that is not a request, in its turn. */
interface Reading extends Operation {
  readonly turn: number;
  readonly askedAt: number;
}

// So many in a batch: a script that takes long holds up everybody else on the server.
const MOST_AT_ONCE = 128;

export class Queue<T> {
  readonly #desk: Desk<T>;
  readonly #lines = new Map<string, Line<T>>();
  /** Those who ask once, and readings; in order. */
  #singles: (Asker<T> | Reading)[] = [];
  /** Whose time is up. */
  readonly #late = new Set<Asker<T>>();
  /** Those of whom the answer is on its way. */
  readonly #asking = new Set<Asker<T>>();
  readonly #readings = new Set<Reading>();
  readonly #deadlines = new Deadlines<Asker<T>>();
  readonly #aborts = new Aborts<Asker<T>>((askers, reason) => this.#cancel(askers, reason));
  readonly #waiting: number[];
  readonly #stops: number[];
  #size = 0;
  #sent = 0;
  #turns = 0;
  #opensAgain = false;
  /** When the first head could pass, as far as is known, and when to look in although nobody has called. */
  #passesAt = Number.POSITIVE_INFINITY;
  #lookAt = Number.POSITIVE_INFINITY;
  #timer: unknown;
  #timerAt = Number.POSITIVE_INFINITY;
  #isWaiting = false;
  #error: unknown;

  constructor(limits: number, desk: Desk<T>) {
    this.#desk = desk;
    this.#waiting = new Array(limits).fill(0);
    this.#stops = new Array(limits).fill(FREE);
  }

  /** How many want to be served. */
  get size(): number {
    return this.#size;
  }

  /** How many of them want limit `index`. */
  waitingFor(index: number): number {
    return this.#waiting[index]!;
  }

  ask(request: Request, isOnce: boolean, options?: AcquireOptions): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
      const since = this.#desk.clock.now();
      const asker: Asker<T> = {
        units: request.units,
        covered: request.covered,
        turn: this.#turns++,
        isOnce,
        timeoutMs,
        signal: isOnce ? undefined : options?.signal,
        askedAt: systemClock.now(),
        since,
        deadline: isOnce ? Number.POSITIVE_INFINITY : since + timeoutMs,
        place: -1,
        resolve,
        reject,
        line: this.#lineFor(request),
        previous: undefined,
        next: undefined,
        isSent: false,
        hasWaited: false,
        isLate: false,
        isAborted: false,
        hasLeft: false,
        refusedBy: [],
      };
      if (isOnce) {
        this.#singles.push(asker);
      } else {
        this.#join(asker);
      }
      if (isOnce || asker.line.stop === FREE) this.#desk.kick();
      this.#arm();
    });
  }

  /** Asks how all limits stand, in its turn. */
  read<R>(parse: (answer: string) => R): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const done = () => this.#readings.delete(reading);
      const reading: Reading = {
        turn: this.#turns++,
        askedAt: systemClock.now(),
        encode: () => (this.#readings.has(reading) ? "I" : undefined),
        answered: (answer) => {
          if (done()) resolve(parse(answer));
        },
        failed: (error) => {
          if (done()) reject(this.#desk.failure(error));
        },
      };
      this.#readings.add(reading);
      this.#singles.push(reading);
      this.#desk.kick();
    });
  }

  /** Something came back or may have: those who wait are worth asking for again. */
  open(): void {
    if (this.#size === 0) return;
    if (this.#sent > 0) this.#opensAgain = true;
    for (const line of this.#lines.values()) {
      line.stop = FREE;
      if (line.head?.hasWaited) line.quota = 1;
    }
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.#desk.kick();
  }

  /** What to ask for now, in order. */
  next(): Operation[] {
    if (this.#opensAgain) {
      this.#opensAgain = false;
      this.open();
    }
    const operations: Operation[] = [];
    this.#stops.fill(FREE);
    const cursors = [...this.#lines.values()].map((line) => ({ line, asker: line.head, asked: 0 }));
    const singles = this.#singles;
    this.#singles = [];
    let single = 0;
    while (operations.length < MOST_AT_ONCE) {
      let first: (typeof cursors)[number] | undefined;
      for (const cursor of cursors) {
        if (cursor.asker && (!first || cursor.asker.turn < first.asker!.turn)) first = cursor;
      }
      const alone = singles[single];
      if (!first && !alone) break;
      if (alone && (!first || alone.turn < first.asker!.turn)) {
        single++;
        if (!("units" in alone)) operations.push(alone);
        else if (alone.hasLeft) continue;
        else if (!this.#askOnce(alone, operations)) this.#singles.push(alone);
        continue;
      }
      const { line, asker, asked } = first!;
      const stop = this.#stopOf(line.limits, line.isNested);
      if (line.stop !== FREE || stop !== FREE || asked >= line.quota) {
        if (line.stop === FREE && stop !== UNKNOWN) line.stop = stop;
        this.#stop(line.limits, line.stop !== FREE ? Math.max(line.stop, stop) : UNKNOWN);
        first!.asker = undefined;
        continue;
      }
      operations.push(this.#request(asker!, line.isNested ? "N" : "T"));
      first!.asker = asker!.next;
      first!.asked++;
    }
    this.#singles.push(...singles.slice(single));
    for (const asker of this.#late) {
      if (!asker.isSent && asker.line.stop !== FREE) operations.push(this.#request(asker, "P"));
    }
    return operations;
  }

  /** A batch has been answered: when some lease may end, by which somebody may have died. */
  lookIn(at: number): void {
    this.#lookAt = at;
    this.#arm();
    this.#notice();
  }

  /** Gives up those who asked before, by the platform's clock, and have heard nothing; returns when the first of the others asked. */
  giveUp(askedBefore: number): number | undefined {
    let oldest: number | undefined;
    const gone: Asker<T>[] = [];
    const each = (asker: Asker<T>) => {
      if (asker.askedAt <= askedBefore) gone.push(asker);
      else oldest = Math.min(oldest ?? asker.askedAt, asker.askedAt);
    };
    for (const line of this.#lines.values()) for (let at = line.head; at; at = at.next) each(at);
    for (const one of this.#singles) if ("units" in one) each(one);
    for (const asker of this.#asking) each(asker);
    for (const reading of [...this.#readings]) {
      if (reading.askedAt <= askedBefore) reading.failed(undefined);
      else oldest = Math.min(oldest ?? reading.askedAt, reading.askedAt);
    }
    for (const asker of gone) {
      if (asker.hasLeft) continue;
      if (asker.isAborted) this.#leave(asker).reject(asker.signal?.reason);
      else if (asker.isLate) this.#leave(asker).reject(this.#desk.timeout(asker, asker.refusedBy));
      else if (this.#desk.unanswered(asker)) this.#leave(asker);
    }
    this.#singles = this.#singles.filter((one) => ("units" in one ? !one.hasLeft : this.#readings.has(one)));
    this.#arm();
    this.#notice();
    return oldest;
  }

  /** Whoever wanted to leave while it was on its way need not wait for an answer that does not come. */
  release(): void {
    for (const asker of [...this.#asking]) {
      if (asker.isAborted) this.#leave(asker).reject(asker.signal?.reason);
    }
  }

  /** Turns everybody away. */
  close(error: unknown): void {
    this.#error = error;
    for (const one of this.#singles) if ("units" in one) this.#leave(one).reject(error);
    this.#singles = [];
    for (const reading of [...this.#readings]) reading.failed(error);
    for (const asker of [...this.#asking]) this.#leave(asker).reject(error);
    for (const line of [...this.#lines.values()]) while (line.head) this.#leave(line.head).reject(error);
    this.#arm();
    this.#notice();
  }

  #join(asker: Asker<T>): void {
    asker.line.append(asker);
    this.#lines.set(asker.line.name, asker.line);
    this.#size++;
    for (const index of asker.line.limits) this.#waiting[index]!++;
    if (asker.timeoutMs !== Number.POSITIVE_INFINITY) this.#deadlines.add(asker);
    if (asker.signal) this.#aborts.add(asker.signal, asker);
  }

  /** Asks for one who asks once; false if it is not known yet whom it stands behind. */
  #askOnce(asker: Asker<T>, operations: Operation[]): boolean {
    const stop = this.#stopOf(asker.line.limits, asker.line.isNested);
    if (stop === UNKNOWN) return false;
    const code = stop !== FREE ? "P" : asker.line.isNested ? "M" : "O";
    operations.push(this.#request(asker, code));
    return true;
  }

  #request(asker: Asker<T>, code: string): Operation {
    asker.isSent = true;
    this.#asking.add(asker);
    this.#sent++;
    const done = () => {
      this.#sent--;
      asker.isSent = false;
      this.#asking.delete(asker);
    };
    return {
      encode: () => (asker.hasLeft ? undefined : this.#desk.encode(code + this.#ageOf(asker), asker.units)),
      answered: (text, timing) => {
        done();
        if (text === ".") return;
        this.#answer(asker, parseAnswer(text, this.#desk.inOrder), code, timing);
      },
      failed: (error) => {
        done();
        if (asker.hasLeft) return;
        if (error === undefined) {
          // Not known, but nothing is held by it any more: it is asked for again.
          if (asker.isOnce) this.#singles.push(asker);
          this.#desk.kick();
          return;
        }
        this.#leave(asker).reject(this.#desk.failure(error));
      },
    };
  }

  /** For how long it has waited, as the script is told. */
  #ageOf(asker: Asker<T>): string {
    if (!asker.hasWaited) return "";
    return `${Math.max(0, toMicros(this.#desk.clock.now()) - toMicros(asker.since))} `;
  }

  #answer(asker: Asker<T>, answer: Answer, code: string, timing: Timing): void {
    if (answer.kind === "granted") {
      const granted = asker.hasLeft ? undefined : this.#desk.grant(asker, answer.takenAt);
      if (granted !== undefined) {
        const { line } = asker;
        this.#leave(asker).resolve(granted);
        if (line.head?.hasWaited) line.quota = Math.min(MOST_AT_ONCE, 2 * line.quota);
        if (line.head) this.#desk.kick();
        return;
      }
      this.#desk.undo(asker, answer.takenAt);
      if (!asker.hasLeft && asker.isOnce) this.#singles.push(asker);
      return;
    }
    if (asker.hasLeft) return;
    const { line } = asker;
    if (asker.isAborted) {
      this.#leave(asker).reject(asker.signal?.reason);
      this.open();
      return;
    }
    if (answer.kind === "behind") {
      asker.hasWaited = true;
      line.stop = answer.stop;
      if (asker.isLate) this.#desk.kick();
      return;
    }
    if (asker.isOnce || code === "P") {
      this.#tell(asker, answer, timing, code === "P" || answer.isBehind);
      return;
    }
    asker.hasWaited = true;
    asker.refusedBy = answer.by;
    line.stop = answer.hangs ? AWAITS_RELEASE : AWAITS_TIME;
    this.#passesAt = Math.min(this.#passesAt, timing.readAt + answer.waitMs);
    if (asker.isLate) this.#tell(asker, answer, timing, false);
  }

  /** Tells somebody who does not wait that it was refused. */
  #tell(asker: Asker<T>, { waitMs, by }: Refused, timing: Timing, isBehind: boolean): void {
    const limitedBy = isBehind
      ? asker.line.limits.filter((i) => by.includes(i) || this.#waiting[i]! > 0)
      : by;
    this.#leave(asker);
    if (asker.isOnce && asker.timeoutMs !== 0) {
      const behindMs = isBehind ? this.#passesAt - timing.readAt : 0;
      asker.resolve(this.#desk.refusal(asker, Math.max(waitMs, behindMs), limitedBy));
      return;
    }
    asker.reject(this.#desk.timeout(asker, limitedBy));
    if (!asker.isOnce) this.open();
  }

  #lineFor({ units, covered }: Request): Line<T> {
    const limits: number[] = [];
    for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
    const isNested = covered !== undefined;
    const name = `${isNested ? "nested " : ""}${limits}`;
    return this.#lines.get(name) ?? new Line<T>(name, limits, isNested, MOST_AT_ONCE);
  }

  #stopOf(limits: readonly number[], isNested: boolean): number {
    let stop = FREE;
    for (const index of limits) stop = Math.max(stop, this.#stops[index]!);
    return isNested && stop === AWAITS_RELEASE ? FREE : stop;
  }

  #stop(limits: readonly number[], stop: number): void {
    for (const index of limits) this.#stops[index] = Math.max(this.#stops[index]!, stop);
  }

  #cancel(askers: readonly Asker<T>[], reason: unknown): void {
    for (const asker of askers) {
      // Only the server knows whether it came in time: nothing may be held that nobody has.
      if (asker.isSent) asker.isAborted = true;
      else this.#leave(asker).reject(reason);
    }
    this.open();
    this.#arm();
    this.#notice();
  }

  #leave(asker: Asker<T>): Asker<T> {
    if (asker.hasLeft) return asker;
    asker.hasLeft = true;
    if (asker.isOnce) return asker;
    const { line } = asker;
    line.remove(asker);
    if (!line.head) this.#lines.delete(line.name);
    this.#size--;
    for (const index of line.limits) this.#waiting[index]!--;
    this.#deadlines.remove(asker);
    this.#late.delete(asker);
    if (asker.signal) this.#aborts.remove(asker.signal, asker);
    return asker;
  }

  #wake(): void {
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    const now = this.#desk.clock.now();
    for (let late = this.#deadlines.first; late && late.deadline <= now; late = this.#deadlines.first) {
      this.#deadlines.remove(late);
      late.isLate = true;
      this.#late.add(late);
    }
    if (this.#lookAt <= now) this.#lookAt = Number.POSITIVE_INFINITY;
    this.open();
    this.#arm();
  }

  /** Tells when waiting begins and ends. */
  #notice(): void {
    let isWaiting = false;
    for (const line of this.#lines.values()) isWaiting ||= line.head?.hasWaited === true;
    if (isWaiting === this.#isWaiting) return;
    this.#isWaiting = isWaiting;
    this.#desk.waits(isWaiting);
  }

  #arm(): void {
    const first = this.#deadlines.first?.deadline ?? Number.POSITIVE_INFINITY;
    const looks = this.#size > 0 ? Math.min(this.#passesAt, this.#lookAt) : Number.POSITIVE_INFINITY;
    const at = Math.min(looks, first);
    if (this.#timerAt <= at && this.#size > 0) return;
    const { clock } = this.#desk;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY || this.#error !== undefined) return;
    this.#timerAt = at;
    this.#timer = clock.setTimeout(
      () => this.#wake(),
      Math.min(Math.max(at - clock.now(), 0), LONGEST_TIMER_MS),
    );
  }
}
