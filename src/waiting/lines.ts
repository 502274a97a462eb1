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
 */
import { Demand } from "./demand.ts";
import type { Judge, Verdict } from "./judge.ts";
import { Line, type Name, nameOf, type Standing } from "./line.ts";
import { inOrder, type Order } from "./order.ts";
import { isBefore, NEWCOMER, type Ranked, type Request } from "./standing.ts";
import { nestedBefore, type Taint, taintOf } from "./taint.ts";

export class Lines<W extends Standing<W>> {
  readonly #byName = new Map<Name, Line<W>>();
  readonly #demands: readonly Demand<W>[];
  /** Changes with everything that may change a verdict. */
  #state = 0;
  /** When a nested request could go, by the last time that all of them were judged. */
  #nestedMoment = Number.POSITIVE_INFINITY;
  /** No waiter has a higher key. */
  #lastKey = Number.NEGATIVE_INFINITY;
  /** What the waiters want of each limit, together. */
  readonly #totals: number[];
  /** What the waiters before the one want that is judged. */
  readonly #found: number[];
  #order: Order<W> | undefined;
  /** Differs after each waiter that comes or leaves. */
  changes = 0;
  /** How many waiters stand in all lines. A plain field: each take looks at it. */
  size = 0;
  /** How many of them are nested requests. */
  nested = 0;

  constructor(limits: number) {
    this.#demands = Array.from({ length: limits }, () => new Demand<W>());
    this.#totals = this.#demands.map(() => 0);
    this.#found = this.#demands.map(() => 0);
  }

  /** How many waiters want limit `index`. */
  waitingFor(index: number): number {
    return this.#demands[index]!.count;
  }

  /** The lines there are now; they may end meanwhile. */
  [Symbol.iterator](): Iterator<Line<W>> {
    return [...this.#byName.values()].values();
  }

  /** All waiters, in the order in which they go. */
  inOrder(): W[] {
    const waiters: W[] = [];
    for (const line of this.#byName.values()) for (const waiter of line) waiters.push(waiter);
    return waiters.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** The earliest moment at which a waiter could go, in milliseconds since the epoch; Infinity if that depends on a release. */
  get moment(): number {
    let moment = this.nested > 0 ? this.#nestedMoment : Number.POSITIVE_INFINITY;
    for (const demand of this.#demands) moment = Math.min(moment, demand.moment);
    return moment;
  }

  /** Whether waiters stand before a request in its own line. */
  hasLineBefore(request: Request, ranked: Ranked): boolean {
    const head = this.#byName.get(nameOf(request))?.head;
    return head !== undefined && isBefore(head, ranked);
  }

  /** Puts a waiter into its line. A new head has not been judged: `park` or `serve` follows. */
  stand(waiter: W): Line<W> {
    const line = this.#lineFor(waiter.request);
    const isNew = line.head === undefined;
    waiter.line = line;
    line.add(waiter);
    this.#lastKey = Math.max(this.#lastKey, waiter.key);
    this.size++;
    this.changes++;
    if (line.isNested) this.nested++;
    this.#order?.add(waiter);
    for (const index of line.limits) {
      const demand = this.#demands[index]!;
      demand.count++;
      this.#totals[index]! += waiter.demand[index]!;
      // From the second line on, the sums before waiters are asked for.
      if (isNew && ++demand.lines > 1) this.#inOrder();
    }
    // Until it is judged, it could go at any time.
    if (line.head === waiter)
      this.#place(line, line.parkedAt < 0 ? line.limits[0]! : line.parkedAt, Number.NEGATIVE_INFINITY);
    return line;
  }

  /** Notes why the head of a line was refused. */
  park(line: Line<W>, { at, moment, isBlocked }: Verdict): void {
    this.#place(line, at, moment);
    line.isBlocked = isBlocked;
    line.judgedAt = this.#state;
  }

  /** Takes a waiter out of its line, if it stands in one: because it was granted, or for another reason. */
  leave(waiter: W, isGranted = false): void {
    const { line } = waiter;
    if (!line) return;
    const wasHead = line.head === waiter;
    waiter.line = undefined;
    line.remove(waiter);
    this.size--;
    this.changes++;
    this.#state++;
    if (line.isNested) this.nested--;
    if (!line.head) this.#end(line);
    else if (wasHead) this.#place(line, line.parkedAt, Number.NEGATIVE_INFINITY);
    this.#order?.remove(waiter);
    for (const index of line.limits) {
      const demand = this.#demands[index]!;
      demand.count--;
      // Beyond that the sum is rounded: what is left of it would not be the sum of the others.
      if (this.#totals[index]! > Number.MAX_SAFE_INTEGER) this.#totals[index] = this.#inOrder().sum(index);
      else this.#totals[index]! -= waiter.demand[index]!;
      // After a grant the demand is in use, and the verdict on others the same: but for those that had no moment because of it.
      if (!isGranted || index === line.parkedAt || demand.parked.first?.isBlocked) demand.isStale = true;
    }
    if (this.size === 0) {
      this.#lastKey = Number.NEGATIVE_INFINITY;
      this.#order = undefined;
    }
  }

  /** What the waiters before `ranked` want of a request's limits, to be used at once; undefined if they want nothing. */
  demandBefore(
    { units, covered }: Request,
    ranked: Ranked,
    judge: Judge<W>,
    into?: number[],
  ): readonly number[] | undefined {
    if (this.size === 0) return undefined;
    if (!covered && this.#isBehindAll(ranked)) return this.#totals;
    const taint = covered && this.#taint(judge);
    let found: number[] | undefined;
    for (let i = 0; i < units.length; i++) {
      if (units[i] === 0 || taint?.amongNested[i]) continue;
      const demand = taint?.all[i] ? nestedBefore(this.#byName, i, ranked) : this.#sumBefore(i, ranked);
      if (demand === 0) continue;
      found ??= into?.fill(0) ?? units.map(() => 0);
      found[i] = demand;
    }
    return found;
  }

  /** How many waiters stand before `ranked` at limit `index`. */
  countBefore(index: number, ranked: Ranked): number {
    const demand = this.#demands[index]!;
    if (demand.count === 0 || this.#isBehindAll(ranked)) return demand.count;
    return this.#isFirst(demand, ranked) ? 0 : this.#inOrder().countBefore(index, ranked);
  }

  /** What each waiter before `ranked` wants of limit `index`, in order. */
  demandsBefore(index: number, ranked: Ranked): Iterable<number> {
    return this.#inOrder().demandsBefore(index, ranked);
  }

  /** Something came back: of the limits for which `back` is below 0, or of any limit. */
  cameBack(back?: readonly number[]): void {
    for (let i = 0; i < this.#demands.length; i++) {
      if (back === undefined || back[i]! < 0) this.#demands[i]!.isStale = true;
    }
  }

  /**
   * Lets the waiters go that can go at `now`: judges the first line of each limit that is stale, or whose moment has come, and goes on
   * with the next line for as long as waiters leave.
   */
  serve(judge: Judge<W>, now: number): void {
    this.#state++;
    for (const demand of this.#demands) if (demand.moment <= now) demand.isStale = true;
    do {
      for (let demand = this.#nextStale(); demand; demand = this.#nextStale()) {
        const line = demand.parked.first!;
        // If it stays there, all other lines of the limit stand behind it.
        if (!this.#judge(line, judge) && demand.parked.first === line) demand.isStale = false;
      }
    } while (this.nested > 0 && this.#someNestedGoes(judge));
  }

  /**
   * A nested request may have no demand before it, wherever it stands: so each of them is judged, but for those that want as much of a
   * limit as one before them in the line that it refuses. Returns whether one went.
   */
  #someNestedGoes(judge: Judge<W>): boolean {
    this.#nestedMoment = Number.POSITIVE_INFINITY;
    for (const line of this.#byName.values()) {
      if (!line.isNested) continue;
      const refused = new Map<number, number>();
      for (const waiter of line) {
        const { request, demand } = waiter;
        if (line.limits.some((index) => demand[index]! >= (refused.get(index) ?? Number.POSITIVE_INFINITY)))
          continue;
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
    if (line.judgedAt === this.#state) return false;
    const head = line.head!;
    const { parkedAt, isNested } = line;
    // Most heads stay where they are: those before it leave no room there, which one look tells.
    const room = isNested ? Number.POSITIVE_INFINITY : judge.roomAt(parkedAt, head.request.units[parkedAt]!);
    if (this.#sumBefore(parkedAt, head, room) > room) {
      this.park(line, { at: parkedAt, moment: Number.POSITIVE_INFINITY, isBlocked: true });
      return false;
    }
    return this.judge(head, judge);
  }

  /** The stale limit whose first waiter goes before those of the other stale limits. */
  #nextStale(): Demand<W> | undefined {
    let next: Demand<W> | undefined;
    for (const demand of this.#demands) {
      if (!demand.isStale) continue;
      const line = demand.parked.first;
      if (!line) demand.isStale = false;
      else if (!next || isBefore(line.head!, next.parked.first!.head!)) next = demand;
    }
    return next;
  }

  /** Whether a request has just come, with no higher priority than any waiter. */
  #isBehindAll({ key, turn }: Ranked): boolean {
    return turn === NEWCOMER && key >= this.#lastKey;
  }

  /** Whether a request is the head of the only line at a limit. */
  #isFirst({ lines }: Demand<W>, ranked: Ranked): boolean {
    return lines === 1 && (ranked as Partial<W>).line?.head === ranked;
  }

  /** What the waiters before `ranked` want of limit `index`, together; any sum above `enough` is as good as another. */
  #sumBefore(index: number, ranked: Ranked, enough?: number): number {
    const demand = this.#demands[index]!;
    if (demand.count === 0 || this.#isBehindAll(ranked)) return this.#totals[index]!;
    return this.#isFirst(demand, ranked) ? 0 : this.#inOrder().unitsBefore(index, ranked, enough);
  }

  /** All waiters in order. They are kept so once the sum before some of them is asked for: a line by itself needs none. */
  #inOrder(): Order<W> {
    this.#order ??= inOrder(
      [...this.#byName.values()].flatMap((line) => [...line]),
      this.#totals.length,
    );
    return this.#order;
  }

  #taint(judge: Judge<W>): Taint {
    return taintOf(this.#byName, this.#totals, (index, total) => judge.isOverdrawn(index, total));
  }

  /** Parks a line, whose head may be another than before. */
  #place(line: Line<W>, at: number, moment: number): void {
    if (line.parkedAt !== at && line.place >= 0) this.#demands[line.parkedAt]!.parked.remove(line);
    line.parkedAt = at;
    line.moment = moment;
    line.isBlocked = false;
    line.judgedAt = -1;
    const { parked } = this.#demands[at]!;
    if (line.place < 0) parked.add(line);
    else parked.moved(line);
  }

  #end(line: Line<W>): void {
    this.#byName.delete(line.name);
    this.#demands[line.parkedAt]!.parked.remove(line);
    for (const index of line.limits) this.#demands[index]!.lines--;
  }

  #lineFor(request: Request): Line<W> {
    const name = nameOf(request);
    let line = this.#byName.get(name);
    if (line) return line;
    line = new Line<W>(name, request);
    this.#byName.set(name, line);
    return line;
  }
}
