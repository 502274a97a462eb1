/** All waiters of a set in one isolate: the lines in which they stand, and the units that those before a request want. */
import type { Judge } from "./judge.ts";
import { Demand, type Line, type Standing } from "./line.ts";
import { isFirstOf, LineIndex } from "./line-index.ts";
import { inOrder, type Order } from "./order.ts";
import { isBefore, NEWCOMER, type Ranked, type Request } from "./standing.ts";
import { nestedBefore, type Taint, taintOf } from "./taint.ts";
import { type Keeper, Wards } from "./wards.ts";

export abstract class Crowd<W extends Standing<W>> {
  protected readonly index: LineIndex<W>;
  /** For each limit, the demand of its one state. */
  protected readonly demands: readonly Demand<W>[];
  /** Those of partitions. */
  protected readonly wards: Wards<W>;
  /** For each limit, how many waiters want it. */
  readonly #counts: number[];
  /** No waiter has a higher key. */
  #lastKey = Number.NEGATIVE_INFINITY;
  /** What the waiters want of the one state of each limit, together. */
  readonly #totals: number[];
  #order: Order<W> | undefined;
  /** Differs after everything that may change a verdict. */
  changes = 0;
  /** How many waiters stand in all lines. A plain field: each take looks at it. */
  size = 0;
  /** How many of them are nested requests. */
  nested = 0;

  constructor(limits: number, keeper?: Keeper) {
    this.wards = new Wards(keeper);
    this.demands = Array.from({ length: limits }, (_, limit) => new Demand<W>(limit));
    this.index = new LineIndex(this.demands, this.wards);
    this.#counts = this.demands.map(() => 0);
    this.#totals = this.demands.map(() => 0);
  }

  /** How many waiters want limit `index`: of the partition of a request, if it has one there; of all without a request. */
  waitingFor(index: number, request?: Request): number {
    if (request === undefined) return this.#counts[index]!;
    return this.demandAt(request, index)?.count ?? 0;
  }

  /** The lines there are now; they may end meanwhile. */
  [Symbol.iterator](): Iterator<Line<W>> {
    return this.index.all.values();
  }

  /** All waiters, in the order in which they go. */
  inOrder(): W[] {
    const waiters: W[] = [];
    for (const line of this.index.all) for (const waiter of line) waiters.push(waiter);
    return waiters.sort((a, b) => (isBefore(a, b) ? -1 : 1));
  }

  /** Whether waiters stand before a request in its own line. */
  hasLineBefore(request: Request, ranked: Ranked): boolean {
    const head = this.index.of(request)?.head;
    return head !== undefined && isBefore(head, ranked);
  }

  /** What the waiters before `ranked` want of a request's limits, to be used at once; undefined if they want nothing. */
  demandBefore(
    request: Request,
    ranked: Ranked,
    judge: Judge<W>,
    into?: number[],
  ): readonly number[] | undefined {
    const { units, covered, place } = request;
    if (this.size === 0) return undefined;
    const all = covered || place ? undefined : this.demandOfAll(ranked);
    if (all) return all;
    const taint = covered && this.#taint(judge);
    // A waiter has them at hand.
    const known = (ranked as Partial<W>).line?.demands;
    let found: number[] | undefined;
    for (let i = 0; i < (known ?? units).length; i++) {
      const demand = known ? known[i] : units[i] === 0 ? undefined : this.demandAt(request, i);
      if (!demand || taint?.amongNested.has(demand)) continue;
      const sum = taint?.all.has(demand)
        ? nestedBefore(this.index.nested, demand, ranked)
        : this.sumBefore(demand, ranked);
      if (sum === 0) continue;
      found ??= into?.fill(0) ?? units.map(() => 0);
      found[demand.limit] = sum;
    }
    return found;
  }

  /** What all waiters want of limits that have one state, if `ranked` stands behind all of them: to be used at once. */
  demandOfAll(ranked: Ranked): readonly number[] | undefined {
    return this.size > 0 && this.#isBehindAll(ranked) ? this.#totals : undefined;
  }

  /** How many waiters stand before `ranked` at limit `index`. */
  countBefore(index: number, ranked: Ranked, request: Request): number {
    const demand = this.demandAt(request, index);
    if (!demand || demand.count === 0 || this.#isBehindAll(ranked)) return demand?.standing ?? 0;
    return this.#isFirst(demand, ranked) ? 0 : this.#inOrder(demand).countBefore(index, ranked);
  }

  /** How many waiters stand before one behind all, at limit `index`, which has one state for all. */
  standingAt(index: number): number {
    return this.demands[index]!.standing;
  }

  /** What each waiter before `ranked` wants of limit `index`, in order. */
  demandsBefore(index: number, ranked: Ranked, request: Request): Iterable<number> {
    const demand = this.demandAt(request, index);
    return demand ? this.#inOrder(demand).demandsBefore(index, ranked) : [];
  }

  /** Takes a waiter in. Returns its line. */
  protected add(waiter: W): Line<W> {
    const line = this.index.for(waiter.request);
    const isNew = line.head === undefined;
    waiter.line = line;
    line.add(waiter);
    this.#lastKey = Math.max(this.#lastKey, waiter.key);
    this.size++;
    this.changes++;
    if (line.isNested) this.nested++;
    if (line.aside) waiter.demand = masked(waiter, line.aside.at);
    this.#include(waiter, line, 1);
    // From the second line on, the sums before waiters are asked for.
    if (isNew) for (const demand of line.demands) if (++demand.lines > 1) this.#inOrder(demand);
    return line;
  }

  /** Takes a waiter out of its line. A line without waiters ends. */
  protected remove(waiter: W, line: Line<W>): void {
    waiter.line = undefined;
    line.remove(waiter);
    this.size--;
    this.changes++;
    if (line.isNested) this.nested--;
    this.#exclude(waiter, line, 1);
    unmask(waiter);
    if (!line.head) {
      this.vacate(line);
      this.index.end(line);
    }
    if (this.size > 0) return;
    this.#lastKey = Number.NEGATIVE_INFINITY;
    this.#order = undefined;
  }

  /** A line has no waiters any more. */
  protected abstract vacate(line: Line<W>): void;

  /** The waiters of a line count for those behind them only at limit `at`; without it, at all that they want. */
  protected recount(line: Line<W>, at: number | undefined): void {
    // Made while all of them count as they did.
    for (const demand of line.demands) this.#inOrder(demand);
    this.changes++;
    for (const waiter of [...line]) {
      this.#exclude(waiter, line, 0);
      unmask(waiter);
      if (at !== undefined) waiter.demand = masked(waiter, at);
      this.#include(waiter, line, 0);
    }
  }

  /** The demand of a waiter counts; with 1 in place of 0 it has just come. */
  #include(waiter: W, line: Line<W>, come: 0 | 1): void {
    this.#order?.add(waiter);
    for (const demand of line.demands) {
      const { limit, ward } = demand;
      const units = waiter.demand[limit]!;
      demand.count += come;
      this.#counts[limit]! += come;
      if (units > 0) demand.standing++;
      demand.total += units;
      if (!ward) this.#totals[limit] = demand.total;
      else if (ward.order && isFirstOf(ward, demand, line)) ward.order.add(waiter);
    }
  }

  /** It does not count any more; with 1 in place of 0 it leaves. */
  #exclude(waiter: W, line: Line<W>, gone: 0 | 1): void {
    this.#order?.remove(waiter);
    for (const demand of line.demands) {
      const { limit, ward } = demand;
      const units = waiter.demand[limit]!;
      demand.count -= gone;
      this.#counts[limit]! -= gone;
      if (units > 0) demand.standing--;
      if (ward?.order && isFirstOf(ward, demand, line)) ward.order.remove(waiter);
      // Beyond that the sum is rounded: what is left of it would not be the sum of the others.
      if (demand.total > Number.MAX_SAFE_INTEGER) demand.total = this.#inOrder(demand).sum(limit);
      else demand.total -= units;
      if (!ward) this.#totals[limit] = demand.total;
    }
  }

  /** What the waiters before `ranked` want of a limit, together; any sum above `enough` is as good as another. */
  protected sumBefore(demand: Demand<W>, ranked: Ranked, enough?: number): number {
    if (demand.count === 0 || this.#isBehindAll(ranked)) return demand.total;
    return this.#isFirst(demand, ranked)
      ? 0
      : this.#inOrder(demand).unitsBefore(demand.limit, ranked, enough);
  }

  /** Whether a request has just come, with no higher priority than any waiter. */
  #isBehindAll({ key, turn }: Ranked): boolean {
    return turn === NEWCOMER && key >= this.#lastKey;
  }

  /** Whether a request is the head of the only line at a limit. */
  #isFirst({ lines }: Demand<W>, ranked: Ranked): boolean {
    return lines === 1 && (ranked as Partial<W>).line?.head === ranked;
  }

  /** The demand of limit `index`, in the partition of a request; undefined if no waiter wants it. */
  protected demandAt(request: Request, index: number): Demand<W> | undefined {
    return request.place?.keyOf(index) === undefined
      ? this.demands[index]!
      : this.wards.demandOf(request, index);
  }

  /**
   * All waiters in order, or those of a demand's partition. They are kept so once the sum before some of them is asked for: a line by
   * itself needs none.
   */
  #inOrder({ ward }: Demand<W>): Order<W> {
    const limits = this.#totals.length;
    if (ward) return ward.inOrder(limits);
    this.#order ??= inOrder(
      this.index.all.flatMap((line) => [...line]),
      limits,
    );
    return this.#order;
  }

  #taint(judge: Judge<W>): Taint<W> {
    return taintOf(this.index.all, this.index.nested, ({ limit }, total, line) =>
      judge.isOverdrawn(limit, total, line.head!.request),
    );
  }
}

/** The demand that counts of a waiter whose line stands aside while limit `at` is paused. Keeps the other. */
function masked<W extends Standing<W>>(waiter: W, at: number): readonly number[] {
  const { demand } = waiter;
  waiter.wanted = demand;
  return demand.map((units, limit) => (limit === at ? units : 0));
}

function unmask<W extends Standing<W>>(waiter: W): void {
  if (waiter.wanted) waiter.demand = waiter.wanted;
  waiter.wanted = undefined;
}
