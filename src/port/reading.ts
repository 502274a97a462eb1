/**
 * Readers of messages. A message may have any shape, and an endpoint may hand over live objects: each value is read once and
 * copied, and a value that throws, or that is not as it should be, reads as undefined.
 */
import { show } from "../errors.ts";
import type { LimitStats } from "../limits/stats.ts";
import { textOf } from "../remote/text.ts";
import { type Message, MOST_OPS, type Operation, type Side, unpackNumber } from "./protocol.ts";

/** The message, if it is addressed to `side` of the set called `name` and well-formed. Channels carry other messages too. */
export function readMessage(side: Side, name: string, received: unknown): Message | undefined {
  if (typeof received !== "object" || received === null) return undefined;
  try {
    const { limitset, to, session, ops } = received as Partial<
      Record<"limitset" | "to" | keyof Message, unknown>
    >;
    if (limitset !== name || to !== side || typeof session !== "number" || !Array.isArray(ops))
      return undefined;
    const count = ops.length;
    if (count > MOST_OPS) return undefined;
    // Of its full length from the start: an array that grows takes room for many more.
    const copies = new Array<Operation>(count);
    let read = 0;
    for (let i = 0; i < count; i++) {
      const op: unknown = ops[i];
      if (!Array.isArray(op)) continue;
      const kind: unknown = op[0];
      if (typeof kind === "number") copies[read++] = copyOf(kind, op);
    }
    copies.length = read;
    return { session, ops: copies };
  } catch {
    return undefined;
  }
}

/** No operation has more than seven values, and most have fewer. */
function copyOf(kind: number, op: readonly unknown[]): Operation {
  if (op.length <= 3) return [kind, op[1], op[2]];
  return [kind, op[1], op[2], op[3], op[4], op[5], op[6], op[7]];
}

/** Amounts by metric, from an array that `packAmounts` has made. */
export function readAmounts(packed: unknown, metrics: readonly string[]): Record<string, number> | undefined {
  const list = readList(packed, metrics.length, isAmount);
  if (!list) return undefined;
  const amounts: Record<string, number> = {};
  for (let i = 0; i < list.length; i++) {
    const amount = list[i]!;
    if (amount !== null) define(amounts, metrics[i]!, amount);
  }
  return amounts;
}

function define(amounts: Record<string, number>, name: string, amount: number): void {
  // To assign it would set the prototype.
  if (name === "__proto__") Object.defineProperty(amounts, name, { value: amount, enumerable: true });
  else amounts[name] = amount;
}

/** A refusal: the milliseconds to wait, the indexes of the limits that refuse, and how many waiters stand before it. */
export interface ReadRefusal {
  readonly wait: number;
  readonly by: readonly number[];
  readonly ahead: number;
}

/** The refusal of a try, from a host with so many limits. */
export function readRefusal(
  wait: unknown,
  by: unknown,
  ahead: unknown,
  limits: number,
): ReadRefusal | undefined {
  const indexes = readList(by, limits, (index): index is number => isIndex(index, limits));
  const count = readOptional(ahead);
  if (!indexes || !isAmount(wait) || count === undefined || !Number.isInteger(count)) return undefined;
  return { wait: unpackNumber(wait), by: indexes, ahead: count };
}

/** A number that is left out where it is 0: hosts of earlier versions never send it. */
export function readOptional(value: unknown): number | undefined {
  if (value === undefined) return 0;
  return typeof value === "number" && value >= 0 && value < Number.POSITIVE_INFINITY ? value : undefined;
}

/** The numbers of statistics that may be Infinity. */
const UNBOUNDED = ["capacity", "available", "retryAfterMs"] as const;

/** Statistics, from a host with so many limits. */
export function readStats(packed: unknown, limits: number): readonly LimitStats[] | undefined {
  const rows = readList(packed, limits, (row): row is object => typeof row === "object" && row !== null);
  if (rows?.length !== limits) return undefined;
  try {
    return rows.map((row) => {
      const copy = { ...row } as LimitStats & Readonly<Record<(typeof UNBOUNDED)[number], number | null>>;
      const numbers = UNBOUNDED.map((field) => [field, unpackNumber(copy[field])]);
      return Object.freeze({ ...copy, ...(Object.fromEntries(numbers) as Partial<LimitStats>) });
    });
  } catch {
    return undefined;
  }
}

/** The text of a reason. */
export function readReason(value: unknown): string {
  return typeof value === "string" ? value : show(value);
}

const SHORT = 1_000;

/** A copy of an array of at most `most` values, all of which satisfy `fits`. */
export function readList<T>(
  value: unknown,
  most: number,
  fits: (each: unknown) => each is T,
): T[] | undefined {
  try {
    if (!Array.isArray(value)) return undefined;
    const count = value.length;
    if (count > most) return undefined;
    const copy: T[] = count <= SHORT ? new Array(count) : [];
    for (let i = 0; i < count; i++) {
      const each: unknown = value[i];
      if (!fits(each)) return undefined;
      copy[i] = each;
    }
    return copy;
  } catch {
    return undefined;
  }
}

function isAmount(value: unknown): value is number | null {
  return value === null || typeof value === "number";
}

function isIndex(value: unknown, count: number): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < count;
}

/**
 * The last guard: a listener of an endpoint must not throw, since that would end the program. If anything inside does throw,
 * `failed` is called with the reason.
 */
export function guarded<T = void>(
  listener: (heard: T) => void,
  failed: (why: string) => void,
): (heard: T) => void {
  return (heard) => {
    try {
      listener(heard);
    } catch (error) {
      failed(textOf(error));
    }
  };
}
