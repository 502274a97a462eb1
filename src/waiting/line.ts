/** A waiter as it stands in a line; the line; and what the line waits for: limits, or partitions of them. */
import { Heap, type Placed } from "./heap.ts";
import { type Demanding, inOrder, Order } from "./order.ts";
import { isBefore, type Place, type Request, type WardKey } from "./standing.ts";

/** A waiter's place among the others. */
export interface Standing<W extends Standing<W>> extends Demanding {
  readonly request: Request;
  /** What counts for those behind it: of a line that stands aside, only the demand of the limit that is paused. */
  demand: readonly number[];
  /** The demand of a waiter whose line stands aside, once the line comes back. */
  wanted: readonly number[] | undefined;
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
}

/** Names a line among those without partitions, or among those of a partition: the same for the same combination of limits and partitions. */
export type Name = number | string;

/** The waiters that want the same combination of limits, of the same partitions, in order. Its place is that among the lines parked at one limit. */
export class Line<W extends Standing<W>> implements Placed {
  readonly name: Name;
  /** The demands of the limits that they want, in the order of the limits. */
  readonly demands: readonly Demand<W>[];
  readonly isNested: boolean;
  /** The first of them. */
  head: W | undefined;
  /** The limit, or partition of it, at which the line is parked: it refuses the head. Undefined before the first waiter stands. */
  parkedAt: Demand<W> | undefined = undefined;
  /** When that limit could grant the head with the demand as it is, in milliseconds since the epoch; Infinity if time does not help. */
  moment = Number.POSITIVE_INFINITY;
  /** Whether time does not help because of the demand before the head: a grant to those before it changes that. */
  isBlocked = false;
  /** Undefined while its waiters count for those behind them. */
  aside: Aside<W> | undefined = undefined;
  /** The `changes` of the lines when the head was judged last. */
  judgedAt = -1;
  place = -1;
  /** Those behind the head. Where there are many lines, most have none. */
  private rest: Order<W> | undefined;

  constructor(name: Name, isNested: boolean, demands: readonly Demand<W>[]) {
    this.name = name;
    this.isNested = isNested;
    this.demands = demands;
  }

  /** The first of its partitions, by which it is found; undefined where it has none. */
  get home(): Ward<W> | undefined {
    const { demands } = this;
    for (let i = 0; i < demands.length; i++) if (demands[i]!.ward) return demands[i]!.ward;
    return undefined;
  }

  /** The demand of one of the limits that they want. */
  demandOf(limit: number): Demand<W> {
    const { demands } = this;
    for (let i = 0; ; i++) if (demands[i]!.limit === limit) return demands[i]!;
  }

  add(waiter: W): void {
    const { head } = this;
    const isFirst = !head || isBefore(waiter, head);
    if (isFirst) this.head = waiter;
    if (!head) return;
    this.rest ??= new Order<W>(0);
    this.rest.add(isFirst ? head : waiter);
  }

  remove(waiter: W): void {
    const { rest } = this;
    const leaving = waiter === this.head ? rest?.first : waiter;
    if (waiter === this.head) this.head = leaving;
    if (leaving) rest!.remove(leaving);
  }

  *[Symbol.iterator](): Generator<W> {
    if (this.head) yield this.head;
    yield* this.rest ?? [];
  }
}

/** That a line stands aside while a limit is paused that it wants. Its place is that among all that do. */
export class Aside<W extends Standing<W>> implements Placed {
  readonly line: Line<W>;
  /** The limit, by its index. */
  at: number;
  /** When the pause ends, in milliseconds since the epoch: Infinity if it has no end. */
  moment: number;
  place = -1;

  constructor(line: Line<W>, at: number, moment: number) {
    this.line = line;
    this.at = at;
    this.moment = moment;
  }
}

/** Whether the head of line `a` goes before that of `b`. */
function goesFirst<W extends Standing<W>>(a: Line<W>, b: Line<W>): boolean {
  return isBefore(a.head!, b.head!);
}

/** The demand of one limit, or of one partition of it: how many waiters want it, and the lines that wait for it. */
export class Demand<W extends Standing<W>> implements Placed {
  /** The limit, by its index. */
  readonly limit: number;
  /** The partition; undefined where the limit has one state for all. */
  ward: Ward<W> | undefined;
  /** How many waiters want it. */
  count = 0;
  /** How many of them count for those behind them. */
  standing = 0;
  /** What they want of it, together. */
  total = 0;
  /** How many lines they stand in. */
  lines = 0;
  private heap: Heap<Line<W>> | undefined = undefined;
  /** Whether the line on top has to be judged anew. */
  isStale = false;
  /** Its place among the partitions that lines are parked at. */
  place = -1;

  constructor(limit: number, ward?: Ward<W>) {
    this.limit = limit;
    this.ward = ward;
  }

  /** The lines whose heads it refuses, or refused last; the line whose head goes first is on top. At most partitions none is parked. */
  get parked(): Heap<Line<W>> {
    this.heap ??= new Heap(goesFirst);
    return this.heap;
  }

  /** The line on top. */
  get first(): Line<W> | undefined {
    return this.heap?.first;
  }

  /** When the line on top could go, in milliseconds since the epoch: Infinity if time does not help. */
  get moment(): number {
    return this.heap?.first?.moment ?? Number.POSITIVE_INFINITY;
  }
}

const NONE: readonly never[] = [];

/**
 * A partition for which lines wait. It is the demand of that of its limits which was waited for first: most have no other, and there may be as
 * many as there are waiters.
 */
export class Ward<W extends Standing<W>> extends Demand<W> {
  readonly key: WardKey;
  /** Another one that has the same key. */
  next: Ward<W> | undefined = undefined;
  /** The place of a request that has waited for it. */
  readonly where: Place;
  /** Tells it from all others. */
  readonly id: number;
  /** Its waiters in order, once the sum before some of them was asked for. */
  order: Order<W> | undefined = undefined;
  /** The demands of its other limits. */
  private more: readonly Demand<W>[] = NONE;
  /** Its lines: most have one. */
  private line: Line<W> | undefined = undefined;
  private others: Map<Name, Line<W>> | undefined = undefined;

  constructor(key: WardKey, where: Place, limit: number, id: number) {
    super(limit);
    this.ward = this;
    this.key = key;
    this.where = where;
    this.id = id;
  }

  /** The demands of those of its limits that are waited for, or were. */
  get demands(): readonly Demand<W>[] {
    return [this, ...this.more];
  }

  get all(): readonly Line<W>[] {
    const others = this.others ? [...this.others.values()] : [];
    return this.line ? [this.line, ...others] : others;
  }

  /** Its line of a name. */
  lineOf(name: Name): Line<W> | undefined {
    return this.line?.name === name ? this.line : this.others?.get(name);
  }

  begin(line: Line<W>): void {
    if (!this.line) this.line = line;
    else if (this.line !== line) {
      this.others ??= new Map();
      this.others.set(line.name, line);
    }
  }

  /** Tells whether no line waits for it any more. */
  end(line: Line<W>): boolean {
    if (this.line === line) this.line = undefined;
    else this.others?.delete(line.name);
    return !this.line && !this.others?.size;
  }

  /** Its waiters in order, of a set with so many limits. They are kept so from now on. */
  inOrder(limits: number): Order<W> {
    this.order ??= inOrder(
      this.all.flatMap((line) => [...line]),
      limits,
    );
    return this.order;
  }

  /** The demand of one of its limits, made if need be. */
  demandFor(limit: number): Demand<W> {
    let demand = this.demandOf(limit);
    if (!demand) {
      demand = new Demand<W>(limit, this);
      // A list that grows would have room for many more.
      this.more = [...this.more, demand];
    }
    return demand;
  }

  demandOf(limit: number): Demand<W> | undefined {
    if (limit === this.limit) return this;
    return this.more.find((demand) => demand.limit === limit);
  }
}
