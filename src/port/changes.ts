/**
 * Changes of the limits in messages. Behind the number of the operation comes that of the verb, and then: for a pause its milliseconds,
 * null for ever, and its keys; for a resume and a reset their keys; for a charge amounts, one entry a metric; to lower, one a limit. Keys are null for all.
 */
import type { Amounts, Limits } from "../contract.ts";
import { InvalidRequestError } from "../errors.ts";
import type { RedefineOptions } from "../limits/era.ts";
import { performChange, type SentChange, VERBS } from "../remote/changes.ts";
import type { SentRedefinition } from "../remote/described.ts";
import { packLimits, readLimits } from "./definitions.ts";
import type { PeerEras } from "./peer-eras.ts";
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
function readChange([, , verb, first, second]: Operation, { keys, metrics }: Names): SentChange | undefined {
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

/** Does to the set what a peer asks for. Resolves to false if it was asked on the ground of limits that the set has no more. */
export async function performOp(limits: Limits, eras: PeerEras, op: Operation): Promise<boolean> {
  if (op[0] === TO_HOST.REDEFINE) return redefine(limits, eras, op);
  const { keys, names } = eras.spoken.requests;
  const change = readChange(op, { keys, metrics: names });
  if (!change) throw unreadable();
  await performChange(limits, change);
  return true;
}

export function packRedefinition(number: number, { limits, options, of }: SentRedefinition): Operation {
  const { inherit = null, version = null } = options;
  return [TO_HOST.REDEFINE, number, packLimits(limits), inherit, version, of?.number ?? null];
}

async function redefine(limits: Limits, eras: PeerEras, op: Operation): Promise<boolean> {
  const [, , packed, inherit, version, number] = op;
  const list = readLimits<string, string>(packed);
  if (!list) throw unreadable();
  const options = {
    ...(inherit !== null && { inherit }),
    ...(version !== null && { version }),
  } as RedefineOptions;
  if (number === null) {
    await limits.redefine(list, options);
    return true;
  }
  // The set may be elsewhere in turn, and so its limits are looked at where they are changed.
  const stale = {};
  try {
    await limits.redefine(() => {
      if (eras.present.number !== number) throw stale;
      return list;
    }, options);
    return true;
  } catch (error) {
    if (error === stale) return false;
    throw error;
  }
}

export function unreadable(): InvalidRequestError {
  return new InvalidRequestError("the host cannot read the request");
}

function readKeys(value: unknown, keys: readonly string[]): { keys: string[] | undefined } | undefined {
  if (value === null || value === undefined) return { keys: undefined };
  const list = readList(value, keys.length, (each): each is string => typeof each === "string");
  return list && { keys: list };
}
