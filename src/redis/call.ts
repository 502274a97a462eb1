/** The arguments of one call of the script, as `script/transact.ts` reads them. */
import { numbered, numberOf, packed } from "./bytes.ts";
import type { Definitions } from "./definitions.ts";
import type { Operation } from "./speaker.ts";

/** How a compact call begins. */
const [ACQUIRE, TRY, SEVERAL, WIDE] = [0, 1, 2, 4];

/** What all calls of a session have. */
export interface Caller {
  readonly definitions: Definitions;
  readonly session: string;
  readonly seq: number;
  /** The time in microseconds, if the server's does not count. */
  readonly reading?: number | undefined;
}

/** What goes with the operations of a whole call. */
export interface Whole {
  /** The number of the last batch whose answer the caller counts on; 0 if it counts on none. */
  readonly acked?: number;
  readonly leaseUs: number;
  /** What turns the server's definitions into these. */
  readonly turn?: { readonly text: string; readonly from: string } | undefined;
  /** The windows of calendars. */
  readonly windows?: string;
  /** The partitions that the operations name, behind an `@`. */
  readonly partitions?: string;
  /** Whether the server may not have the definitions. */
  readonly isBrought?: boolean;
}

export function wholeCall(caller: Caller, whole: Whole, operations: readonly string[]): string[] {
  const { text, json, beginsBelow } = caller.definitions;
  const { acked = 0, leaseUs, turn, windows = "", partitions = "", isBrought = true } = whole;
  return [
    ...namesOf(caller),
    String(numberOf(caller.seq)),
    String(numberOf(acked)),
    String(caller.reading ?? ""),
    String(leaseUs),
    turn?.text ?? "",
    windows,
    (beginsBelow ? "below" : "") + partitions,
    turn?.from ?? "",
    isBrought ? text : "",
    isBrought ? json : "",
    ...operations,
  ];
}

/**
 * A call that takes the units of all `takes` together. Undefined if it has to be a whole one. A single operation is a try or an acquire.
 */
export function compactCall(
  caller: Caller,
  takes: readonly (readonly number[])[],
  operations: readonly string[],
): string[] | undefined {
  const sums = caller.definitions.sumsOf(takes);
  if (!sums) return undefined;
  const [first] = operations;
  const isSingle = operations.length === 1;
  const form = isSingle ? (first!.startsWith("O") ? TRY : ACQUIRE) : SEVERAL;
  let request = String.fromCharCode(form + (caller.definitions.isNarrow ? 0 : WIDE));
  request += numbered(caller.seq);
  for (const sum of sums) request += packed(sum);
  const call = [...namesOf(caller), request];
  if (!isSingle || caller.reading !== undefined) call.push(isSingle ? "" : listOf(operations));
  if (caller.reading !== undefined) call.push(String(caller.reading));
  return call;
}

/** The units that operations take, if all of them take; else undefined. */
export function takesOf(operations: readonly Operation[]): (readonly number[])[] | undefined {
  const takes: (readonly number[])[] = [];
  for (const operation of operations) {
    const units = operation.takes?.();
    if (!units) return undefined;
    takes.push(units);
  }
  return takes.length > 0 ? takes : undefined;
}

function namesOf({ definitions, session }: Caller): string[] {
  return [definitions.name, `s${session}`];
}

/** Operations, where `*3` stands for three of the same. */
function listOf(operations: readonly string[]): string {
  const list: string[] = [];
  let times = 1;
  operations.forEach((operation, i) => {
    if (operation === operations[i + 1]) {
      times++;
      return;
    }
    list.push(times === 1 ? operation : `${operation}*${times}`);
    times = 1;
  });
  return list.join(" ");
}
