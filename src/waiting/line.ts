/** A waiter as it stands in a line, and the line. */
import type { Placed } from "./heap.ts";
import { type Demanding, Order } from "./order.ts";
import { isBefore, limitsOf, type Request } from "./standing.ts";

/** A waiter's place among the others. */
export interface Standing<W extends Demanding> extends Demanding {
  readonly request: Request;
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
}

/** Names a line: the same for the same combination of limits. */
export type Name = number | string;

/** A number tells so many limits apart. */
const MOST_NUMBERED = 52;

/** The name of the line of a request. */
export function nameOf({ units, covered }: Request): Name {
  let bits = covered ? 1 : 0;
  for (let i = 0, bit = 2; i < units.length; i++, bit *= 2) {
    // More limits are told apart by a text.
    if (units[i]! > 0) bits += i < MOST_NUMBERED ? bit : (` ${i}` as never);
  }
  return bits;
}

/** The waiters that want the same combination of limits, in order. Its place is that among the lines parked at one limit. */
export class Line<W extends Demanding> implements Placed {
  readonly name: Name;
  /** The limits that they want, by index. */
  readonly limits: readonly number[];
  readonly isNested: boolean;
  /** The first of them. */
  head: W | undefined;
  /** The limit at which the line is parked: it refuses the head. -1 before the first waiter stands. */
  parkedAt = -1;
  /** When that limit could grant the head with the demand as it is, in milliseconds since the epoch; Infinity if time does not help. */
  moment = Number.POSITIVE_INFINITY;
  /** Whether time does not help because of the demand before the head: a grant to those before it changes that. */
  isBlocked = false;
  /** The state of the lines when the head was judged last: see `Lines`. */
  judgedAt = -1;
  place = -1;
  /** Those behind the head. Where there are many lines, most have none. */
  private rest: Order<W> | undefined;

  constructor(name: Name, { units, covered }: Request) {
    this.name = name;
    this.limits = limitsOf(units);
    this.isNested = covered !== undefined;
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
