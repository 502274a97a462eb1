/** How many partitions the host's set has, by dimension: a host packs the counts, and a peer reads them. */
import type { Awaitable, Limits } from "../contract.ts";
import { InvalidRequestError } from "../errors.ts";
import type { PartitionCounts } from "../views/shape.ts";
import { type Operation, TO_PEER } from "./protocol.ts";
import type { Read } from "./questions.ts";
import { readList } from "./reading.ts";

type Counts = PartitionCounts<string>;

/** A dimension, and its counts. */
type Row = readonly [name: string, count: number, max: number, shared: boolean];

/** @throws {InvalidRequestError} if the set does not count them. */
export function countsIn<K extends string>(limits: Limits<K>): Awaitable<Counts> {
  const { partitions } = limits as unknown as { readonly partitions?: Awaitable<Counts> };
  if (partitions !== undefined) return partitions;
  throw new InvalidRequestError("the set that the host serves does not count its partitions");
}

export function packCounts(number: number, counts: Counts): Operation {
  const rows = Object.entries(counts).map(
    ([name, { count, max, shared }]): Row => [name, count, max, shared],
  );
  return [TO_PEER.PARTITIONS, number, rows];
}

/** Reads the counts, from a host with as many limits as `keys` then has. */
export function countsFrom(keys: () => readonly string[]): Read<Counts> {
  return (kind, packed) => {
    const rows = kind === TO_PEER.PARTITIONS ? readList(packed, keys().length, isRow) : undefined;
    if (!rows) return undefined;
    const entries = rows.map(([name, count, max, shared]) => [name, Object.freeze({ count, max, shared })]);
    return Object.freeze(Object.fromEntries(entries));
  };
}

function isRow(value: unknown): value is Row {
  if (!Array.isArray(value)) return false;
  const [name, count, max, shared] = value as readonly unknown[];
  return (
    typeof name === "string" &&
    typeof count === "number" &&
    typeof max === "number" &&
    typeof shared === "boolean"
  );
}
