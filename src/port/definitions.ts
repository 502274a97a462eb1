/** Definitions of limits as they travel: JSON has no Infinity, so that null stands for an infinite capacity. */
import type { Era } from "../limits/era.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { plainOf } from "../limits/metrics.ts";
import { requestsOf } from "../limits/named-requests.ts";
import { textOf } from "../remote/text.ts";
import { packNumber, unpackNumber } from "./protocol.ts";
import { readList } from "./reading.ts";

// No set has so many. An array may have any length and yet be empty, which takes minutes to go through.
const MOST_LIMITS = 1_000_000;

export function packLimits(limits: readonly Limit[]): readonly object[] {
  return plainOf(limits).map((limit) => ({ ...limit, capacity: packNumber(limit.capacity) }));
}

/**
 * Limits as the other side has packed them; undefined if they cannot be read.
 *
 * @throws {InvalidLimitError} if they make no sense.
 */
export function readLimits<K extends string, M extends string>(
  packed: unknown,
): readonly Limit<K, M>[] | undefined {
  const list = readList(packed, MOST_LIMITS, (each): each is LimitLike<K, M> => each !== undefined);
  return list && toLimits(list.map((each) => unpackLimit<K, M>(each)));
}

/**
 * An era as the host tells of it, with the numbers of the eras in which its limits were added: left out for a first era. Returns the
 * reason, in words, if it cannot be read.
 */
export function readEra<M extends string, K extends string>(
  number: unknown,
  packed: unknown,
  births?: unknown,
): Era<M, K> | string {
  try {
    const limits = readLimits<K, M>(packed);
    const born = births === undefined ? limits?.map(() => 0) : readList(births, MOST_LIMITS, isNumber);
    if (!limits || born?.length !== limits.length || !Number.isSafeInteger(number)) {
      return "the host has sent limits that cannot be read";
    }
    const tenures = born.map((birth) => ({ birth, refundsFrom: 0 }));
    return { number: number as number, version: 0, limits, requests: requestsOf<M, K>(limits), tenures };
  } catch (error) {
    return `the host has sent invalid limits: ${textOf(error)}`;
  }
}

function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value);
}

function unpackLimit<K extends string, M extends string>(packed: LimitLike<K, M>): LimitLike<K, M> {
  const { capacity }: { readonly capacity?: number | null } = packed ?? {};
  return capacity === null ? { ...packed, capacity: unpackNumber(capacity) } : packed;
}
