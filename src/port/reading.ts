/**
 * Readers of messages. A message may have any shape, and an endpoint may hand over live objects: each value is read once and
 * copied, and a value that throws, or that is not as it should be, reads as undefined.
 */
import type { LimitStats } from "../limits/stats.ts";
import { textOf } from "../remote/text.ts";
import { type Message, MOST_OPS, type Operation, type Side } from "./protocol.ts";

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
    const copies: Operation[] = [];
    for (let i = 0; i < count; i++) {
      const op: unknown = ops[i];
      if (!Array.isArray(op)) continue;
      const kind: unknown = op[0];
      // No operation has more values.
      if (typeof kind === "number") copies.push([kind, op[1], op[2], op[3], op[4], op[5], op[6]]);
    }
    return { session, ops: copies };
  } catch {
    return undefined;
  }
}

/** Amounts by key, from an array that `packAmounts` has made. */
export function readAmounts(packed: unknown, keys: readonly string[]): Record<string, number> | undefined {
  const list = readList(packed, keys.length, isAmount);
  if (!list) return undefined;
  const amounts: [string, number][] = [];
  for (let i = 0; i < list.length; i++) {
    const amount = list[i]!;
    if (amount !== null) amounts.push([keys[i]!, amount]);
  }
  return Object.fromEntries(amounts);
}

/** A refusal: the milliseconds to wait, and the indexes of the limits that refuse. */
export interface ReadRefusal {
  readonly wait: number;
  readonly by: readonly number[];
}

/** The refusal of a try, from a host with so many limits. */
export function readRefusal(wait: unknown, by: unknown, limits: number): ReadRefusal | undefined {
  const indexes = readList(by, limits, (index): index is number => isIndex(index, limits));
  if (!indexes || !isAmount(wait)) return undefined;
  return { wait: wait ?? Number.POSITIVE_INFINITY, by: indexes };
}

/** Statistics, from a host with so many limits. */
export function readStats(packed: unknown, limits: number): readonly LimitStats[] | undefined {
  const rows = readList(packed, limits, (row): row is object => typeof row === "object" && row !== null);
  if (rows?.length !== limits) return undefined;
  try {
    return rows.map((row) => {
      const copy = { ...row } as LimitStats & { readonly retryAfterMs: number | null };
      return Object.freeze({ ...copy, retryAfterMs: copy.retryAfterMs ?? Number.POSITIVE_INFINITY });
    });
  } catch {
    return undefined;
  }
}

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
    const copy: T[] = [];
    for (let i = 0; i < count; i++) {
      const each: unknown = value[i];
      if (!fits(each)) return undefined;
      copy.push(each);
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
export function guarded<A extends readonly unknown[]>(
  listener: (...args: A) => void,
  failed: (why: string) => void,
): (...args: A) => void {
  return (...args) => {
    try {
      listener(...args);
    } catch (error) {
      failed(textOf(error));
    }
  };
}
