/**
 * The part of a granter by which acquisitions are settled: what a release gives back or charges goes to the core, or to the granter of the
 * era that the set has by now.
 */
import { type Answer, isMoved, REFUSED } from "../core/answer.ts";
import { NO_TIME } from "../core/front.ts";
import type { Region } from "../core/region.ts";
import { type Era, passOn } from "../limits/era.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import type { LeakWatch } from "./leaks.ts";
import { LocalGate } from "./local-gate.ts";
import type { LocalSet } from "./local-set.ts";
import type { Place } from "./place.ts";

export abstract class Settlements<M extends string, K extends string = M> extends LocalGate {
  protected readonly set: LocalSet<M, K>;
  readonly era: Era<M, K>;
  readonly requests: Requests<M, K>;
  abstract readonly leaks: LeakWatch | undefined;
  /** Undefined once the set is closed, or has gone on to another era. */
  protected region: Region | undefined;
  /** The granter of the set's present era, if this is one of an earlier era. */
  protected later: (() => Settlements<M, K>) | undefined;
  private readonly due: number[];

  constructor(set: LocalSet<M, K>, era: Era<M, K>, region: Region) {
    super();
    this.set = set;
    this.era = era;
    this.requests = era.requests;
    this.due = this.requests.keys.map(() => 0);
    this.region = region;
  }

  get closed(): boolean {
    return this.later ? this.later().closed : this.region === undefined;
  }

  close(): void {
    this.region = undefined;
  }

  /** Its era ends: from now on `later` tells the granter that settles for its acquisitions. */
  retire(later: () => Settlements<M, K>): void {
    this.region = undefined;
    this.later = later;
    this.endings?.tell();
  }

  settle(
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place?: Place<M, K>,
  ): boolean {
    const due = this.due;
    const flags = this.requests.settlement(taken, used, due);
    const { region } = this;
    // The most common end by itself, small enough to be inlined.
    if (region === undefined || place !== undefined || (flags & CHARGES) !== 0) {
      this.settleFurther(flags, token, taken, used, place);
    } else if ((flags & GIVES_BACK) !== 0) {
      this.settled(region.giveBack(due, token), token, taken, used, place);
    }
    return (flags & MISSES) !== 0;
  }

  /** The rest of `settle`: a charge, partitions, or another era. A closed set has given back everything already. */
  private settleFurther(
    flags: number,
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place: Place<M, K> | undefined,
  ): void {
    const { due, region } = this;
    if (region !== undefined && (flags & (GIVES_BACK | CHARGES)) !== 0) {
      const answer =
        (flags & CHARGES) === 0
          ? region.settle(due, NO_TIME, token, place?.names)
          : this.charge(token, taken, used, place);
      this.settled(answer, token, taken, used, place);
    } else if (this.later !== undefined) {
      this.later().settleFor(this.era, token, due, place);
      this.leaks?.rest();
    }
  }

  private settled(
    answer: Answer,
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place: Place<M, K> | undefined,
  ): void {
    if (isMoved(answer)) this.settleLater(token, taken, used, place);
    else if (this.set.lines.size > 0) this.set.queue!.serve(this.due, this.servedBy(taken, place));
  }

  /** Settles once the thread has followed another that has redefined the set. */
  private settleLater(
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place: Place<M, K> | undefined,
  ): void {
    this.set.moved();
    this.requests.settlement(taken, used, this.due);
    this.settleThere(this.era, token, [...this.due], place);
    this.leaks?.rest();
  }

  /** Settles through the granter of the present era, unless the set is closed. */
  private settleThere(
    era: Era<M, K>,
    token: number,
    due: readonly number[],
    place: Place<M, K> | undefined,
  ): void {
    this.later?.().settleFor(era, token, due, place);
  }

  /** Settles for an acquisition of an earlier era. */
  private settleFor(
    era: Era<M, K>,
    token: number,
    due: readonly number[],
    place: Place<M, K> | undefined,
  ): void {
    if (this.region === undefined) return;
    const here = place?.latest;
    const passed = passOn(place?.era ?? era, here?.era ?? this.era, due);
    if (!passed.some((units) => units !== 0)) return;
    const charges = passed.some((units) => units > 0);
    const now = charges ? this.clock.now() : NO_TIME;
    // A clock may use the set.
    if (this.later !== undefined) this.later().settleFor(era, token, due, place);
    else if (isMoved(this.region.settle(passed, now, token, here?.names))) {
      this.set.moved();
      this.settleThere(era, token, [...due], place);
    }
    this.set.queue?.serve();
  }

  /** Settles with a charge, which needs the time. The clock is read first: a clock that uses the set would write into `due`. */
  private charge(
    token: number,
    taken: readonly number[],
    used: readonly number[] | undefined,
    place: Place<M, K> | undefined,
  ): Answer {
    const now = this.clock.now();
    this.requests.settlement(taken, used, this.due);
    if (this.later) this.later().settleFor(this.era, token, this.due, place);
    return this.region?.settle(this.due, now, token, place?.names) ?? REFUSED;
  }
}
