/**
 * The requests of one process that wait for an answer of the server. The order is that of every queue (see `src/waiting/`), but answers
 * come later than questions. So a batch asks for many waiters at once, in order: the script grants those that delay nobody before them.
 */
import type { AcquireOptions } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { reasonOf } from "../platform/aborted.ts";
import { Departures } from "../waiting/departures.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Allowance } from "./allowance.ts";
import { Alone } from "./alone.ts";
import { Asking } from "./asking.ts";
import { Bell } from "./bell.ts";
import { Bounds } from "./bounds.ts";
import type { Conversation } from "./conversation.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import type { RedisGate } from "./gate.ts";
import { Lines } from "./lines.ts";
import { type News, stir } from "./news.ts";
import { passAll } from "./passing.ts";
import { demandOf, type Request } from "./place.ts";
import { Reading } from "./reading.ts";
import { Readings } from "./readings.ts";
import { refusalOf } from "./refusing.ts";
import type { Releases } from "./releases.ts";
import { Roster } from "./roster.ts";
import type { Settings } from "./settings.ts";
import { Singles } from "./singles.ts";
import type { Operation, Timing } from "./speaker.ts";
import { type Asked, type Granted, Waiter } from "./waiter.ts";
import { WaiterOperation } from "./waiter-operation.ts";
import type { Answer, Refused } from "./wire.ts";

export class RedisQueue<K extends string> {
  readonly #settings: Settings<K>;
  readonly #conversation: Conversation;
  readonly #gate: RedisGate<K>;
  readonly #releases: Releases;
  lines: Lines<Waiter>;
  readonly #singles = new Singles<Waiter>();
  /** All requests that have not been settled, tries included; in order of turn. */
  readonly #waiters = new Set<Waiter>();
  readonly readings: Readings;
  readonly #bounds: Bounds;
  /** Waiters whose timeout has passed. */
  readonly #late = new Set<Waiter>();
  readonly #departures = new Departures<Waiter>((waiters, reason) => this.#cancel(waiters, reason));
  readonly #bell: Bell;
  /** How many acquires have had no answer that ends them. */
  #acquires = 0;
  readonly alone: Alone<K>;

  constructor(settings: Settings<K>, conversation: Conversation, gate: RedisGate<K>, releases: Releases) {
    this.#settings = settings;
    this.#conversation = conversation;
    this.#gate = gate;
    this.#releases = releases;
    this.lines = new Lines(settings.limits.length);
    this.#bounds = new Bounds(settings, () => this.lines);
    this.readings = new Readings(settings, conversation, this.#bounds, this.#singles);
    this.#bell = new Bell(settings.clock, () => this.#wake());
    this.alone = new Alone(settings, conversation, gate, this);
  }

  /** Asks for a request until it is granted; or once, and then resolves with a refusal or rejects if `timeoutMs` is 0. */
  enqueue(request: Request, isOnce: boolean, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    return new Promise((resolve, reject) => {
      const ends = [resolve as (value: Granted) => void, reject] as const;
      const asked = this.#bounds.asked(request, isOnce, options, this.#conversation.now, ...ends);
      if (this.#waiters.size === 0 && this.#singles.isEmpty && this.alone.admits(asked)) return;
      this.alone.yield();
      const waiter = this.enter(asked);
      if (waiter.line) waiter.isDelayed = this.lines.isParked(request);
      // Behind those that wait now, nested requests may go.
      this.#conversation[waiter.isDelayed && this.lines.nested === 0 ? "watch" : "send"]();
      this.#arm();
    });
  }

  /** @internal Takes a request in. It is in no line if it is asked for by itself. */
  enter(asked: Asked, isSent = false): Waiter {
    const { clock, definitions } = this.#settings;
    const { request, isOnce } = asked;
    const partition = this.#bounds.partitionOf(request.place);
    const waiter = new Waiter(asked, demandOf(request, definitions), partition, clock);
    this.#waiters.add(waiter);
    if (!isOnce) this.#acquires++;
    if (!isOnce) this.#bounds.begin(waiter);
    if (!isOnce && !this.#bounds.areOn(waiter)) this.lines.stand(waiter);
    else if (!isSent) this.#singles.add(waiter);
    waiter.isSent = isSent;
    this.#departures.add(waiter);
    return waiter;
  }

  /** The set has other limits: `pass` turns requests into such of the new limits, or throws where they could never pass. */
  renew(pass: (request: Request) => Request): void {
    this.alone.join();
    const { limits, definitions } = this.#settings;
    const standing = this.lines.inOrder();
    this.lines = new Lines(limits.length);
    passAll(
      this.#waiters,
      pass,
      (request) => demandOf(request, definitions),
      (waiter, error) => this.#leave(waiter).reject(error),
      (waiter) => this.#grant(waiter, 0, []),
    );
    for (const waiter of standing) if (!waiter.hasLeft) this.lines.stand(waiter);
    this.readings.renew();
    this.#singles.tidy();
    this.serve();
  }

  /** How many acquires wait for their turn, or for their answer. */
  get waiting(): number {
    return this.#acquires + this.alone.waiting;
  }

  /** Asks again for the waiters that news concern: without any, for those of all lines that stand first. */
  serve(news?: readonly News[]): void {
    if (this.lines.size === 0) return;
    stir(this.lines, news);
    this.#conversation.send();
  }

  /** The requests of the next batch, in order, as many as it has room for. */
  next(allowance: Allowance): Operation[] {
    this.alone.join();
    this.lines.wake(this.#settings.clock.now());
    // What came before a change is asked for before it: in a batch before, which goes in another order.
    const change = this.#singles.firstChange;
    if (change !== Number.POSITIVE_INFINITY) {
      this.#singles.passChange();
      const before = this.#ask(allowance, change);
      if (before.length > 0) return before;
    }
    return this.#ask(allowance, this.#singles.firstChange);
  }

  /** All requests that have not been sent. */
  unsent(allowance: Allowance): Operation[] {
    this.#singles.passChanges();
    return this.next(allowance);
  }

  /** The answers of a batch have been told; at `serveAt` some lease may end, by which resources come back. */
  answered(serveAt = Number.POSITIVE_INFINITY): void {
    this.#bell.serveBy(serveAt);
    this.#notice();
  }

  /**
   * Gives up what was asked before, by the conversation's clock, and has had no answer; without an error only what waits no longer
   * itself. Returns when the first of the others was made, Infinity if there are none.
   */
  giveUp(askedBefore: number, error: LimitError | undefined): number {
    this.alone.join();
    let oldest = this.readings.giveUp(askedBefore, error);
    for (const waiter of [...this.#waiters]) {
      if (waiter.askedAt > askedBefore) oldest = Math.min(oldest, waiter.askedAt);
      else if (waiter.isAborted) this.#abort(waiter, reasonOf(waiter.signal!));
      else if (waiter.isLate) this.#leave(waiter).reject(this.#gate.timeout(waiter, this.#outlook(waiter)));
      else if (error && this.#gate.unanswered(waiter, error)) this.#leave(waiter);
    }
    this.#singles.tidy();
    this.#notice();
    return oldest;
  }

  /** The connection has failed: requests that aborted while they were on their way do not wait for it to come back. */
  interrupted(): void {
    for (const waiter of [...this.#waiters])
      if (waiter.isAborted) this.#abort(waiter, reasonOf(waiter.signal!));
  }

  /** Rejects all. */
  close(error: Error): void {
    this.alone.join();
    this.#singles.clear();
    this.readings.giveUp(Number.POSITIVE_INFINITY, error);
    for (const waiter of [...this.#waiters]) this.#leave(waiter).reject(error);
    this.#notice();
  }

  /** The operations for what came before the turn `until`. */
  #ask(allowance: Allowance, until: number): Operation[] {
    const operations: Operation[] = [];
    const isParked = (waiter: Waiter) =>
      !waiter.isSent && !!waiter.line && this.lines.isParked(waiter.request);
    const singles = this.#singles.take(until, [...this.#late].filter(isParked));
    const { definitions, requests } = this.#settings;
    const { roster } = allowance;
    const asking = new Asking(this.lines, definitions, requests.resources, roster);
    const left = asking.ask(singles, until, allowance, (asked, before) => {
      const isReading = asked instanceof Reading;
      operations.push(isReading ? asked.behind(before, roster) : this.operation(asked, before, roster));
    });
    this.#singles.putBack(left.filter((one) => one instanceof Reading || !one.line));
    return operations;
  }

  /** @internal The operation that asks for a request. */
  operation(waiter: Waiter, before = "", roster = new Roster()): Operation {
    return new WaiterOperation(this, waiter, before, this.#settings.definitions, roster);
  }

  answer(waiter: Waiter, answer: Answer, isLast: boolean, timing: Timing): void {
    if (answer.kind === "granted") {
      this.#grant(waiter, answer.token, answer.passed);
      return;
    }
    if (waiter.hasLeft) return;
    waiter.refused = answer;
    waiter.refusedAt = timing.readAt;
    if (waiter.isAborted) this.#abort(waiter, reasonOf(waiter.signal!));
    else if (isLast) this.#refuse(waiter);
    else this.#wait(waiter, answer, timing.readAt);
  }

  #grant(waiter: Waiter, token: number, passed: readonly number[]): void {
    const granted = waiter.hasLeft ? undefined : this.#gate.grant(waiter, token, passed);
    if (granted === undefined) {
      this.#gate.undo(waiter, token, passed);
      if (!waiter.hasLeft && !waiter.line) this.#singles.add(waiter);
      return;
    }
    const { line } = waiter;
    this.#leave(waiter, true).resolve(granted as Granted);
    if (!line?.head) return;
    if (line.head.hasWaited) this.lines.granted(line);
    this.#conversation.send();
  }

  /** Lets a request wait that was refused at the moment `now`, in milliseconds since the epoch; or turns it away. */
  #wait(waiter: Waiter, answer: Refused, now: number): void {
    const error = this.#bounds.errorFor(waiter, () => this.#outlook(waiter), this.#gate);
    if (error) this.#leave(waiter).reject(error);
    waiter.hasWaited = true;
    if (!error) this.lines.park(waiter, refusalOf(answer, waiter, this.#settings.definitions, now));
  }

  /** Ends a request that does not wait any longer. */
  #refuse(waiter: Waiter): void {
    const outlook = this.#outlook(waiter);
    this.#leave(waiter);
    if (waiter.isOnce && waiter.timeoutMs !== 0) waiter.resolve(this.#gate.refusal(outlook) as Granted);
    else waiter.reject(this.#gate.timeout(waiter, outlook));
  }

  #outlook(waiter: Waiter): Outlook {
    return waiter.outlook(this.lines, this.#settings.definitions);
  }

  fail(waiter: Waiter, error: unknown): void {
    waiter.isSent = false;
    if (waiter.hasLeft) return;
    if (error !== undefined) this.#leave(waiter).reject(error);
    else {
      // The outcome is unknown, but the request holds nothing any more: it is asked for again.
      if (!waiter.line) this.#singles.add(waiter);
      this.#conversation.send();
    }
  }

  #cancel(waiters: readonly Waiter[], reason: unknown): void {
    for (const waiter of waiters) {
      // Of a request on its way, only the server knows whether it was granted: a grant must be given back.
      if (waiter.isSent) waiter.isAborted = true;
      else this.#abort(waiter, reason);
    }
    if (this.lines.size > 0) this.#conversation.send();
    this.#notice();
  }

  #abort(waiter: Waiter, reason: unknown): void {
    this.#gate.aborted(waiter);
    this.#leave(waiter).reject(reason);
  }

  #leave(waiter: Waiter, isGranted = false): Waiter {
    if (!waiter.hasLeft && !waiter.isOnce) {
      this.#acquires--;
      this.#bounds.left(waiter, isGranted);
      // Others that were asked for in the same batch have left room for it.
      if (!isGranted && !waiter.line) this.lines.left(waiter.request);
    }
    waiter.hasLeft = true;
    this.#waiters.delete(waiter);
    this.lines.leave(waiter, isGranted);
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
    if (this.#bell.serves(now)) this.lines.disturbAll();
    this.lines.wake(now);
    if (this.lines.size > 0) this.#conversation.send();
    this.#arm();
  }

  /** Sets the timer; and listens for releases while a waiter waits that has been refused. */
  #notice(): void {
    this.#arm();
    if (this.lines.hasRefused) this.#releases.listen((news) => this.serve(news));
    else this.#releases.stop();
  }

  #arm(): void {
    const { size, moment } = this.lines;
    this.#bell.arm(size > 0, Math.min(moment, this.#departures.firstDeadline));
  }
}
