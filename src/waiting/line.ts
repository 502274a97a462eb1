/** A waiter as it stands in a line, and the line. */
import type { Placed } from "./heap.ts";
import { type Demanding, Order } from "./order.ts";
import type { Request } from "./standing.ts";

/** A waiter's place among the others. */
export interface Standing<W extends Demanding> extends Demanding {
  readonly request: Request;
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
}

/** The waiters that want the same combination of limits, in order. Its place is that among the lines parked at one limit. */
export interface Line<W extends Demanding> extends Placed {
  readonly name: string;
  /** The limits that they want, by index. */
  readonly limits: readonly number[];
  readonly isNested: boolean;
  readonly waiters: Order<W>;
  /** The first of them. */
  head: W | undefined;
  /** The limit at which the line is parked: it refuses the head. -1 before the first waiter stands. */
  parkedAt: number;
  /** When that limit could grant the head with the demand as it is, in milliseconds since the epoch; Infinity if time does not help. */
  moment: number;
  /** Whether time does not help because of the demand before the head: a grant to those before it changes that. */
  isBlocked: boolean;
  /** The state of the lines when the head was judged last: see `Lines`. */
  judgedAt: number;
}

/** A line in which no waiter stands yet. */
export function newLine<W extends Demanding>(
  name: string,
  limits: readonly number[],
  isNested: boolean,
): Line<W> {
  return {
    name,
    limits,
    isNested,
    waiters: new Order<W>(limits[0]!),
    head: undefined,
    parkedAt: -1,
    moment: Number.POSITIVE_INFINITY,
    isBlocked: false,
    judgedAt: -1,
    place: -1,
  };
}
