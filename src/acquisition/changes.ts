/** The part of a granter by which the limits of a set are read and changed, and the ends of requests are counted. */
import { type Answer, isMoved, isReclaimed } from "../core/answer.ts";
import { ABORTED, ACTIONS, type Change, REFUSED, TIMED_OUT } from "../core/changing.ts";
import type { Window } from "../core/kinds.ts";
import type { Region } from "../core/region.ts";
import { fullInOf, totalsOf } from "../core/totals.ts";
import { AcquireTimeoutError, QueueFullError, WaitTooLongError } from "../errors.ts";
import { Ending } from "../limits/living.ts";
import { NamedRequests } from "../limits/named-requests.ts";
import type { Requests } from "../limits/requests.ts";
import type { Reading } from "../limits/stats.ts";
import type { Asked, Outlook } from "../waiting/gate.ts";
import { LAST, type Place, type Request } from "../waiting/standing.ts";
import type { GatedSet } from "./local-set.ts";

/** What the last glance has seen. */
const NUMBERS: number[] = [];

export abstract class Changes {
  abstract readonly requests: Requests<string>;
  protected abstract readonly set: GatedSet;
  /** Made for the first listener. */
  protected endings: Ending | undefined = undefined;
  protected abstract region: Region | undefined;
  protected abstract open(): Region;
  protected abstract endReclaimed(): never;

  /** Its listeners are told when the set goes on to another era. */
  get ending(): Ending {
    this.endings ??= new Ending();
    return this.endings;
  }

  /** A request that has just come, and what the waiters before it want: to be used at once. */
  protected ask(request: Request, now: number): Asked {
    return this.set.queue?.ask(request, now) ?? { request, ranked: LAST, demand: undefined };
  }

  /** For each limit, at one moment: its state. Undefined if another thread has redefined the set. */
  inspect(now: number, place?: Place): Reading[] | undefined {
    const { keys } = this.requests;
    const request = { units: keys.map(() => 1), place };
    const { demand } = this.ask(request, now);
    const region = this.open();
    if (this.hasMoved(region.report(now, demand, place?.names))) return undefined;
    const { lines } = this.set;
    return keys.map((_, i) => ({
      used: region.usedOf(i),
      wait: Math.max(0, region.waitOf(i)),
      waiting: lines.waitingFor(i, place && request),
      totals: totalsOf(region, i),
      windowMs: lengthOf(region.windowAt(i, now)),
    }));
  }

  /** For each limit, at one moment: the three numbers of a `Glance`, until the next glance at any set. Undefined if another thread has redefined the set. */
  glance(
    now: number,
    place: (Place & { readonly requests: Requests<string> }) | undefined,
    isBrief: boolean,
  ): number[] | undefined {
    const { requests } = place ?? this;
    const count = requests.keys.length;
    const isWaitedFor = this.set.lines.size > 0;
    const demand = isWaitedFor
      ? this.ask({ units: new Array<number>(count).fill(1), place }, now).demand
      : undefined;
    const region = this.open();
    const names = place?.names;
    const answer = isBrief ? region.inspect(now, demand, names) : region.report(now, demand, names);
    if (this.hasMoved(answer)) return undefined;
    const standings = requests instanceof NamedRequests ? requests.standings : undefined;
    // One array for all: a server glances at each HTTP request, and tells at once what it sees.
    for (let i = 0, at = 0; i < count; i++) {
      const isNamed = standings === undefined || standings[i] === "named";
      NUMBERS[at++] = isNamed ? region.usedOf(i) : Number.NaN;
      NUMBERS[at++] = Math.max(0, region.waitOf(i));
      NUMBERS[at++] = isBrief ? Number.NaN : fullInOf(region, i);
    }
    return NUMBERS;
  }

  /**
   * Changes the limits whose `units` are not below 0. Waiters that can go then go at once. Returns false, and does nothing, if another
   * thread has redefined the set.
   */
  change(change: Change, units: readonly number[], now: number, place?: Place): boolean {
    if (place && (change === "pause" || change === "lower"))
      this.checkRoom(change, (count) => count >= 0, units, now, place);
    const region = this.open();
    return this.changed(region.change(ACTIONS[change], units, now, place?.names), () => {
      if (change !== "pause" && change !== "resume") return;
      // Those that await a shared state stand under several names.
      this.set.queue?.reviewPauses(now, units, region.sharedTaken > 0 ? undefined : place);
    });
  }

  /** Charges units that no request has taken. Returns false, and does nothing, if another thread has redefined the set. */
  chargeUnits(units: readonly number[], now: number, place?: Place): boolean {
    if (place) this.checkRoom("charge", (count) => count > 0, units, now, place);
    return this.changed(this.open().settle(units, now, 0, place?.names));
  }

  /**
   * Looks whether the names of a place have room for a change of the limits whose units are `meant`.
   *
   * @throws {PartitionsFullError} if one of them has none.
   */
  protected abstract checkRoom(
    change: string,
    meant: (units: number) => boolean,
    units: readonly number[],
    now: number,
    place: Place,
  ): void;

  private changed(answer: Answer, review?: () => void): boolean {
    if (this.hasMoved(answer)) return false;
    if (this.set.lines.size === 0) return true;
    review?.();
    this.set.queue?.serve();
    return true;
  }

  private hasMoved(answer: Answer): boolean {
    if (isReclaimed(answer)) this.endReclaimed();
    return isMoved(answer);
  }

  timedOut({ units }: Request): void {
    this.count(TIMED_OUT, units);
  }

  aborted({ units }: Request): void {
    this.count(ABORTED, units);
  }

  refused({ limitedBy }: Outlook): void {
    this.count(
      REFUSED,
      this.requests.keys.map((_, i) => (limitedBy.includes(i) ? 1 : 0)),
    );
  }

  timeout({ limitedBy, retryAfterMs, ahead }: Outlook, timeoutMs: number): AcquireTimeoutError {
    return new AcquireTimeoutError(timeoutMs, this.named(limitedBy), retryAfterMs, ahead);
  }

  full({ limitedBy, retryAfterMs, ahead }: Outlook, maxWaiting: number): QueueFullError {
    return new QueueFullError(maxWaiting, this.named(limitedBy), retryAfterMs, ahead);
  }

  tooLong({ limitedBy, knownMs, ahead }: Outlook, maxWaitMs: number): WaitTooLongError {
    return new WaitTooLongError(maxWaitMs, this.named(limitedBy), knownMs, ahead);
  }

  /** Limits by their keys. */
  private named(limits: readonly number[]): string[] {
    return limits.map((index) => this.requests.keys[index]!);
  }

  private count(word: number, units: readonly number[]): void {
    this.region?.countEnd(word, units);
  }
}

function lengthOf(window: Window | undefined): number | undefined {
  return window && (window.end - window.start) / 1000;
}
