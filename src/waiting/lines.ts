/**
 * This folder decides which waiter is next, and when. This file has the rule: conservative backfilling (after Mu'alem and Feitelson,
 * "Utilization, predictability, workloads, and user runtime estimates in scheduling the IBM SP2 with backfilling", IEEE TPDS 2001).
 *
 * A waiter goes when every limit that it wants would grant it now even if all waiters before it had taken theirs first. So it passes
 * others only where it delays none of them.
 *
 * The waiters that want the same combination of limits stand in one line. If a limit refuses a waiter, it refuses all behind it that
 * want that limit. So only the heads of lines are judged, and a line is parked at one limit that refuses its head. It is judged anew
 * when that limit's moment has come, when units of that limit come back, or when a waiter that wants that limit leaves. A grant changes
 * no other verdict, since the demand becomes use. It does change when the others can go: so their limit counts as stale.
 *
 * A pause is no one's turn: a line that wants a paused limit stands *aside* until the pause ends. Meanwhile its waiters do not count for those
 * that want other limits, or a pause of one partition would close the limits of all. Then it comes back to where it stood.
 */
import type { Judge, Verdict } from "./judge.ts";
import type { Demand, Line, Standing } from "./line.ts";
import { Parking } from "./parking.ts";
import { isBefore, type Place, type Request } from "./standing.ts";
import type { Keeper } from "./wards.ts";

export class Lines<W extends Standing<W>> extends Parking<W> {
  /** When a nested request could go, by the last time that all of them were judged. */
  #nestedMoment = Number.POSITIVE_INFINITY;
  /** What the waiters before the one want that is judged. */
  readonly #found: number[];

  constructor(limits: number, keeper?: Keeper) {
    super(limits, keeper);
    this.#found = this.demands.map(() => 0);
  }

  /** The earliest moment at which a waiter could go, in milliseconds since the epoch; Infinity if that depends on a release. */
  get moment(): number {
    let moment = Math.min(this.wards.moment, this.asides.first?.moment ?? Number.POSITIVE_INFINITY);
    if (this.nested > 0) moment = Math.min(moment, this.#nestedMoment);
    for (const demand of this.demands) moment = Math.min(moment, demand.moment);
    return moment;
  }

  /** Puts a waiter into its line. A new head has not been judged: `park` or `serve` follows. */
  stand(waiter: W): Line<W> {
    const line = this.add(waiter);
    // Until it is judged, it could go at any time.
    if (line.head === waiter) this.place(line, line.parkedAt ?? line.demands[0]!, Number.NEGATIVE_INFINITY);
    return line;
  }

  /** Notes why the head of a line was refused. */
  park(line: Line<W>, { at, moment, isBlocked, isPaused }: Verdict): void {
    if (isPaused) this.stepAside(line, at, moment);
    else if (line.aside) this.comeBack(line.aside);
    this.place(line, line.demandOf(at), moment);
    line.isBlocked = isBlocked;
    line.judgedAt = this.changes;
  }

  /** Takes a waiter out of its line, if it stands in one: because it was granted, or for another reason. */
  leave(waiter: W, isGranted = false): void {
    const { line } = waiter;
    if (!line) return;
    const wasHead = line.head === waiter;
    this.remove(waiter, line);
    if (line.head && wasHead) this.place(line, line.parkedAt!, Number.NEGATIVE_INFINITY);
    for (const demand of line.demands) {
      // After a grant the demand is in use, and the verdict on others the same: but for those that had no moment because of it.
      if (!isGranted || demand === line.parkedAt || demand.first?.isBlocked) this.disturb(demand);
    }
  }

  /**
   * Something came back: of the limits for which `back` is below 0, or of any limit; in the partitions of a request, or in any.
   */
  cameBack(back?: readonly number[], request?: Request): void {
    for (let i = 0; i < this.demands.length; i++) {
      if (back !== undefined && back[i]! >= 0) continue;
      this.demands[i]!.isStale = true;
      if (!this.wards.isEmpty) this.wards.cameBack(i, request);
    }
  }

  /**
   * Limits were paused, or are not any more: those with `units` from 0 on, in the partitions of a place, or in any. Without units, it is
   * about all lines that stand aside. `serve` follows.
   */
  review(judge: Judge<W>, units?: readonly number[], place?: Place): void {
    if (!units && this.asides.size === 0) return;
    for (const line of this) {
      const { head, aside, isNested } = line;
      const isMeant = ({ limit, ward }: Demand<W>) =>
        units![limit]! >= 0 &&
        (!ward || place?.keyOf(limit) === undefined || this.wards.find(place, limit) === ward);
      if (!head || isNested || (units ? !line.demands.some(isMeant) : !aside)) continue;
      const pause = judge.pauseOf(head.request);
      if (pause) this.park(line, { ...pause, isBlocked: false, isPaused: true });
      else if (aside) this.comeBack(aside);
      this.disturb(line.parkedAt!);
    }
  }

  /**
   * Lets the waiters go that can go at `now`: judges the first line of each limit that is stale, or whose moment has come, and goes on
   * with the next line for as long as waiters leave.
   */
  serve(judge: Judge<W>, now: number): void {
    this.changes++;
    for (let next = this.asides.first; next && next.moment <= now; next = this.asides.first) {
      this.comeBack(next);
      this.disturb(next.line.parkedAt!);
    }
    for (const demand of this.demands) if (demand.moment <= now) demand.isStale = true;
    this.wards.wake(now);
    do {
      for (let demand = this.#nextStale(); demand; demand = this.#nextStale()) {
        const line = demand.first!;
        // If it stays there, all other lines of the limit stand behind it.
        if (this.#judge(line, judge) || demand.first !== line) continue;
        if (demand.ward) this.wards.settle(demand);
        else demand.isStale = false;
      }
    } while (this.nested > 0 && this.#someNestedGoes(judge));
  }

  /**
   * A nested request may have no demand before it, wherever it stands: so each of them is judged, but for those that want as much of a
   * limit as one before them in the line that it refuses. Returns whether one went.
   */
  #someNestedGoes(judge: Judge<W>): boolean {
    this.#nestedMoment = Number.POSITIVE_INFINITY;
    for (const line of this.index.nested) {
      const refused = new Map<number, number>();
      for (const waiter of line) {
        const { request, demand } = waiter;
        const isRefused = ({ limit }: Demand<W>) =>
          demand[limit]! >= (refused.get(limit) ?? Number.POSITIVE_INFINITY);
        if (line.demands.some(isRefused)) continue;
        if (judge.judge(waiter, this.demandBefore(request, waiter, judge))) return true;
        const { at, moment } = judge.verdict;
        refused.set(at, demand[at]!);
        this.#nestedMoment = Math.min(this.#nestedMoment, moment);
      }
    }
    return false;
  }

  /** Judges a waiter, wherever it stands. Returns whether it went. */
  judge(waiter: W, judge: Judge<W>): boolean {
    const line = waiter.line!;
    if (judge.judge(waiter, this.demandBefore(waiter.request, waiter, judge, this.#found))) return true;
    if (line.head === waiter) this.park(line, judge.verdict);
    return false;
  }

  /** Judges the head of a line, unless that was done already. Returns whether it went. */
  #judge(line: Line<W>, judge: Judge<W>): boolean {
    if (line.judgedAt === this.changes) return false;
    const head = line.head!;
    const parkedAt = line.parkedAt!;
    // Most heads stay where they are: those before it leave no room there, which one look tells.
    const hasNone = line.isNested || line.aside !== undefined;
    const room = hasNone ? Number.POSITIVE_INFINITY : judge.roomAt(parkedAt.limit, head.request);
    if (this.sumBefore(parkedAt, head, room) > room) {
      const [at, moment] = [parkedAt.limit, Number.POSITIVE_INFINITY];
      this.park(line, { at, moment, isBlocked: true, isPaused: false });
      return false;
    }
    return this.judge(head, judge);
  }

  /** The stale limit whose first waiter goes before those of the other stale limits. */
  #nextStale(): Demand<W> | undefined {
    let next = this.wards.stale;
    for (const demand of this.demands) {
      if (!demand.isStale) continue;
      const line = demand.first;
      if (!line) demand.isStale = false;
      else if (!next || isBefore(line.head!, next.first!.head!)) next = demand;
    }
    return next;
  }

  protected override disturb(demand: Demand<W>): void {
    if (!demand.ward) demand.isStale = true;
    else if (demand.first) this.wards.disturb(demand);
  }
}
