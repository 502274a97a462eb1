/**
 * Changes of the limits in messages. Behind the number of the operation comes that of the verb, and then: for a pause its milliseconds,
 * null for ever, and its keys; for a resume and a reset their keys; for a charge amounts, one entry a metric; to lower, one a limit. Keys are null for all.
 */
import type { Amounts } from "../contract.ts";
import { type SentChange, VERBS } from "../remote/changes.ts";
import { type Operation, packAmounts, packNumber, TO_HOST, unpackNumber } from "./protocol.ts";
import { readAmounts, readList } from "./reading.ts";

/** The names of a set's limits, and of what they count. */
interface Names {
  readonly keys: readonly string[];
  readonly metrics: readonly string[];
}

export function packChange(number: number, change: SentChange, { keys, metrics }: Names): Operation {
  const op = [TO_HOST.CHANGE, number, VERBS.indexOf(change[0])] as const;
  if (change[0] === "pause") return [...op, packNumber(change[1]), change[2] ?? null];
  if (change[0] === "charge") return [...op, packAmounts(change[1], metrics)];
  if (change[0] === "lower") return [...op, packAmounts(change[1], keys)];
  return [...op, change[1] ?? null];
}

/** Reads a change of a set with these names; undefined if it makes no sense. */
export function readChange(
  [, , verb, first, second]: Operation,
  { keys, metrics }: Names,
): SentChange | undefined {
  const name = VERBS[verb as number];
  if (name === "pause") {
    const chosen = readKeys(second, keys);
    if (!chosen || !(first === null || typeof first === "number")) return undefined;
    return [name, unpackNumber(first), chosen.keys];
  }
  if (name === "charge" || name === "lower") {
    const amounts = readAmounts(first, name === "charge" ? metrics : keys);
    return amounts && [name, amounts as Amounts];
  }
  const chosen = readKeys(first, keys);
  return name && chosen && [name, chosen.keys];
}

function readKeys(value: unknown, keys: readonly string[]): { keys: string[] | undefined } | undefined {
  if (value === null || value === undefined) return { keys: undefined };
  const list = readList(value, keys.length, (each): each is string => typeof each === "string");
  return list && { keys: list };
}
