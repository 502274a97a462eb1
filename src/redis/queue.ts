/**
 * The requests of one process that wait for an answer of the server. The order is that of every queue (see
 * `lines.ts`), but answers come later than questions. So a batch asks for many waiters at once, in order of
 * turn: the script grants them in that order, and stops a line where it refuses one.
 */

import type { AcquireOptions } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { reasonOf } from "../platform/aborted.ts";
import { Alarm } from "../waiting/alarm.ts";
import { Departures } from "../waiting/departures.ts";
import type { Request } from "../waiting/standing.ts";
import { type Allowance, stepsOf } from "./allowance.ts";
import type { Conversation } from "./conversation.ts";
import type { RedisGate } from "./gate.ts";
import { AWAITS_RELEASE, AWAITS_TIME, FREE, type Stop, UNKNOWN } from "./line.ts";
import { Lines } from "./lines.ts";
import { Reading } from "./reading.ts";
import { Readings } from "./readings.ts";
import { type Asked, isBehindSome, type Refusing, refusingOf } from "./refusing.ts";
import type { Releases } from "./releases.ts";
import type { RedisAcquisition } from "./session.ts";
import type { Settings } from "./settings.ts";
import type { Operation, Timing } from "./speaker.ts";
import { Waiter as WaiterFor } from "./waiter.ts";
import { type Answer, parseAnswer, type Refused } from "./wire.ts";

type Waiter<K extends string> = WaiterFor<RedisAcquisition<K, K>>;

export class RedisQueue<K extends string> {
  readonly #settings: Settings<K>;
  readonly #conversation: Conversation;
  readonly #gate: RedisGate<K>;
  readonly #releases: Releases;
  readonly lines: Lines<Waiter<K>>;
  /** Tries and readings that are to be asked for, which stand in no line; in order of turn. */
  #singles: (Waiter<K> | Reading)[] = [];
  /** All requests that have not been settled, tries included; in order of turn. */
  readonly #waiters = new Set<Waiter<K>>();
  readonly #readings: Readings;
  /** Waiters whose timeout has passed. */
  readonly #late = new Set<Waiter<K>>();
  readonly #departures = new Departures<Waiter<K>>((waiters, reason) => this.#cancel(waiters, reason));
  readonly #alarm: Alarm;
  #turns = 0;
  /** The next batch asks for the waiters of all lines that have stopped. */
  #serves = false;
  /** When a grant is possible next, as far as is known. */
  #passesAt = Number.POSITIVE_INFINITY;
  /** When to serve even if no release was heard of. */
  #serveAt = Number.POSITIVE_INFINITY;

  constructor(settings: Settings<K>, conversation: Conversation, gate: RedisGate<K>, releases: Releases) {
    this.#settings = settings;
    this.#conversation = conversation;
    this.#gate = gate;
    this.#releases = releases;
    this.lines = new Lines(settings.limits.length);
    this.#readings = new Readings(conversation, (reading) => {
      this.#singles.push(reading);
      conversation.send();
    });
    this.#alarm = new Alarm(settings.clock, () => this.#wake());
  }

  /** Asks for a request until it is granted; or once, and then resolves with a refusal or rejects if `timeoutMs` is 0. */
  enqueue(request: Request, isOnce: boolean, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#settings;
      const askedAt = this.#conversation.now;
      const asked = { request, turn: this.#turns++, isOnce, askedAt, options, clock };
      const waiter: Waiter<K> = new WaiterFor(asked, resolve, reject);
      this.#waiters.add(waiter);
      if (isOnce) this.#singles.push(waiter);
      else this.lines.stand(waiter);
      this.#departures.add(waiter);
      waiter.isDelayed = !isOnce && waiter.line!.stop !== FREE;
      if (!waiter.isDelayed) this.#conversation.send();
      else this.#conversation.watch();
      this.#arm();
    });
  }

  /** Asks in its turn how all limits stand. */
  read<R>(parse: (answer: string) => R): Promise<R> {
    const steps = 1 + this.#settings.limits.length;
    return this.#readings.read({ text: "I", steps, turn: this.#turns++ }, parse);
  }

  /** Asks in its turn which limits would refuse a try: none if it would be granted. */
  peek(request: Request): Promise<Refusing> {
    const { definitions } = this.#settings;
    const asked = { request, key: 0, turn: this.#turns++ };
    const text = `P${definitions.encode(request.units)}`;
    return this.#readings.read({ ...asked, text, steps: stepsOf(request.units) }, (answer, timing) => {
      const refused = parseAnswer(answer, definitions) as Refused;
      return this.#refusing(asked, refused, timing, isBehindSome(this.lines, asked));
    });
  }

  /** Asks again for the waiters that may go now: after a release, or whatever else may let them go. */
  serve(): void {
    if (this.lines.size === 0) return;
    this.#serves = true;
    this.#passesAt = Number.POSITIVE_INFINITY;
    this.#conversation.send();
  }

  /** The requests of the next batch, in order, as many as it has room for. */
  next(allowance: Allowance): Operation[] {
    if (this.#serves) this.#reopen();
    const operations: Operation[] = [];
    const visit = (waiter: Waiter<K>): Stop => {
      if (!allowance.spend(waiter.steps)) return UNKNOWN;
      operations.push(this.#ask(waiter, waiter.code));
      return FREE;
    };
    const singles = this.#singles;
    this.#singles = [];
    this.lines.restart();
    for (const [i, single] of singles.entries()) {
      this.lines.walk(visit, single.turn);
      const operation = this.#askSingle(single, allowance);
      if (operation) operations.push(operation);
      else this.#singles.push(single);
      if (!allowance.isSpent) continue;
      this.#singles = this.#singles.concat(singles.slice(i + 1));
      break;
    }
    this.lines.walk(visit);
    for (const waiter of this.#late) {
      if (waiter.isSent || waiter.line!.stop === FREE) continue;
      if (!allowance.spend(waiter.steps)) break;
      operations.push(this.#ask(waiter, "P"));
    }
    return operations;
  }

  /** The answers of a batch have been told; at `serveAt` some lease may end, by which resources come back. */
  answered(serveAt: number): void {
    this.#serveAt = serveAt;
    this.#arm();
    this.#notice();
  }

  /**
   * Gives up the requests and readings that were made before, by the conversation's clock, and have had no answer; without an
   * error only those that wait no longer themselves. Returns when the first of the others was made, Infinity if there are none.
   */
  giveUp(askedBefore: number, error: LimitError | undefined): number {
    let oldest = this.#readings.giveUp(askedBefore, error);
    for (const waiter of [...this.#waiters]) {
      if (waiter.askedAt > askedBefore) oldest = Math.min(oldest, waiter.askedAt);
      else if (waiter.isAborted) this.#leave(waiter).reject(reasonOf(waiter.signal!));
      else if (waiter.isLate) this.#leave(waiter).reject(this.#timeoutOf(waiter));
      else if (error && this.#gate.unanswered(waiter, error)) this.#leave(waiter);
    }
    this.#singles = this.#singles.filter((one) => (one instanceof Reading ? one.isPending : !one.hasLeft));
    this.#arm();
    this.#notice();
    return oldest;
  }

  /** The connection has failed: requests that aborted while they were on their way do not wait for it to come back. */
  interrupted(): void {
    for (const waiter of [...this.#waiters]) {
      if (waiter.isAborted) this.#leave(waiter).reject(reasonOf(waiter.signal!));
    }
  }

  /** Rejects all. */
  close(error: Error): void {
    this.#singles = [];
    this.#readings.giveUp(Number.POSITIVE_INFINITY, error);
    for (const waiter of [...this.#waiters]) this.#leave(waiter).reject(error);
    this.#arm();
    this.#notice();
  }

  #reopen(): void {
    this.#serves = false;
    // Of a line that has waited, few will be granted: first one is asked for, then two, then four.
    for (const line of this.lines) if (line.head?.hasWaited && line.stop !== FREE) line.quota = 1;
    this.lines.reopen();
    this.#passesAt = Number.POSITIVE_INFINITY;
  }

  /** The operation for a try or a reading; undefined if there is no room, or the answer to a waiter before the try is to come. */
  #askSingle(single: Waiter<K> | Reading, allowance: Allowance): Operation | undefined {
    const stop = single.request ? this.lines.stopOf(single.request) : FREE;
    if (stop === UNKNOWN || !allowance.spend(single.steps)) return undefined;
    if (single instanceof Reading) return single;
    const code = single.request.covered ? "M" : "O";
    return this.#ask(single, stop === FREE ? code : "P");
  }

  /** The operation that asks for a request, by a code of the script. */
  #ask(waiter: Waiter<K>, code: string): Operation {
    const { definitions } = this.#settings;
    waiter.isSent = true;
    return {
      encode: () => waiter.encode(code, definitions),
      answered: (text, timing) => {
        waiter.isSent = false;
        if (text !== ".") this.#answer(waiter, parseAnswer(text, definitions), code, timing);
      },
      failed: (error) => {
        waiter.isSent = false;
        if (!waiter.hasLeft) this.#fail(waiter, error);
      },
    };
  }

  #answer(waiter: Waiter<K>, answer: Answer, code: string, timing: Timing): void {
    if (answer.kind === "granted") this.#grant(waiter, answer.token);
    else if (waiter.hasLeft) return;
    else if (waiter.isAborted) {
      this.#leave(waiter).reject(reasonOf(waiter.signal!));
      this.serve();
    } else if (answer.kind === "behind") {
      waiter.hasWaited = true;
      this.lines.stop(waiter.line!, answer.stop);
      if (waiter.isLate) this.#conversation.send();
    } else if (waiter.isOnce || code === "P") {
      this.#refuse(waiter, answer, timing, code === "P" || answer.isBehind);
    } else {
      waiter.hasWaited = true;
      waiter.refused = answer;
      this.lines.stop(waiter.line!, answer.hangs ? AWAITS_RELEASE : AWAITS_TIME);
      this.#passesAt = Math.min(this.#passesAt, timing.readAt + answer.waitMs);
      if (waiter.isLate) this.#refuse(waiter, answer, timing, false);
    }
  }

  #grant(waiter: Waiter<K>, token: number): void {
    const granted = waiter.hasLeft ? undefined : this.#gate.grant(waiter, token);
    if (granted === undefined) {
      this.#gate.undo(waiter, token);
      this.serve();
      if (!waiter.hasLeft && waiter.isOnce) this.#singles.push(waiter);
      return;
    }
    const { line } = waiter;
    this.#leave(waiter).resolve(granted);
    if (!line?.head) return;
    if (line.head.hasWaited) line.quota *= 2;
    this.#conversation.send();
  }

  /** Ends a request that does not wait any longer. `isBehind`: waiters stand before it. */
  #refuse(waiter: Waiter<K>, refused: Refused, timing: Timing, isBehind: boolean): void {
    const refusing = this.#refusing(this.#leave(waiter), refused, timing, isBehind);
    if (waiter.isOnce && waiter.timeoutMs !== 0) waiter.resolve(this.#gate.refusal(refusing));
    else waiter.reject(this.#gate.timeout(waiter, refusing));
    if (!waiter.isOnce) this.serve();
  }

  #refusing(asked: Asked, { waitMs, by }: Refused, timing: Timing, isBehind: boolean): Refusing {
    const behindMs = isBehind ? this.#passesAt - timing.readAt : 0;
    return refusingOf(this.lines, asked, { by, waitMs: Math.max(waitMs, behindMs) }, isBehind);
  }

  /** The error for a waiter whose timeout has passed, and to which the server has not answered since. */
  #timeoutOf(waiter: Waiter<K>): Error {
    return this.#gate.timeout(waiter, refusingOf(this.lines, waiter, waiter.refused, false));
  }

  #fail(waiter: Waiter<K>, error: unknown): void {
    if (error !== undefined) this.#leave(waiter).reject(error);
    else {
      // The outcome is unknown, but the request holds nothing any more: it is asked for again.
      if (waiter.isOnce) this.#singles.push(waiter);
      this.#conversation.send();
    }
  }

  #cancel(waiters: readonly Waiter<K>[], reason: unknown): void {
    for (const waiter of waiters) {
      // Of a request on its way, only the server knows whether it was granted: a grant must be given back.
      if (waiter.isSent) waiter.isAborted = true;
      else this.#leave(waiter).reject(reason);
    }
    this.serve();
    this.#arm();
    this.#notice();
  }

  #leave(waiter: Waiter<K>): Waiter<K> {
    waiter.hasLeft = true;
    this.#waiters.delete(waiter);
    this.lines.leave(waiter);
    this.#departures.remove(waiter);
    this.#late.delete(waiter);
    return waiter;
  }

  #wake(): void {
    const now = this.#settings.clock.now();
    for (let late = this.#departures.takeLate(now); late; late = this.#departures.takeLate(now)) {
      late.isLate = true;
      this.#late.add(late);
    }
    if (this.#serveAt <= now) this.#serveAt = Number.POSITIVE_INFINITY;
    this.serve();
    this.#arm();
  }

  /** Listens for releases while a waiter waits that has been refused. */
  #notice(): void {
    if ([...this.lines].some((line) => line.head?.hasWaited)) this.#releases.listen(() => this.serve());
    else this.#releases.stop();
  }

  #arm(): void {
    const at = Math.min(this.#passesAt, this.#serveAt, this.#departures.firstDeadline);
    if (this.lines.size > 0) this.#alarm.ringBy(at, this.#settings.clock.now());
    else this.#alarm.clear();
  }
}
