/** The host's answers to the questions of a peer: a host packs them, and a peer reads them. */
import type { Prospect } from "../contract.ts";
import { type LimitStats, withTotals } from "../limits/stats.ts";
import { type Operation, packNumber, TO_PEER } from "./protocol.ts";
import type { Read } from "./questions.ts";
import { type ReadRefusal, readRefusal, readStats } from "./reading.ts";

/** The refusal of a try, and that of which a peek tells. */
export function packRefusal(
  number: number,
  { retryAfterMs, limitedBy, ahead }: Omit<Prospect, "successful">,
  keys: readonly string[],
): Operation {
  const by = limitedBy.map((key) => keys.indexOf(key));
  return [TO_PEER.REFUSED, number, packNumber(retryAfterMs), by, ...(ahead > 0 ? [ahead] : [])];
}

export function packStats(
  number: number,
  stats: Readonly<Record<string, LimitStats>>,
  keys: readonly string[],
): Operation {
  const rows = keys.map((key) => {
    const { retryAfterMs, capacity, available, ...row } = stats[key]!;
    const [most, left] = [packNumber(capacity), packNumber(available)];
    return { ...row, capacity: most, available: left, retryAfterMs: packNumber(retryAfterMs) };
  });
  return [TO_PEER.STATS, number, rows];
}

/** Reads the refusal of a try, from a host with so many limits. */
export function refusalOf(limits: number): Read<ReadRefusal> {
  return (kind, wait, by, ahead) =>
    kind === TO_PEER.REFUSED ? readRefusal(wait, by, ahead, limits) : undefined;
}

/** Reads the answer to a peek, from a host with these keys. */
export function prospectOf<K extends string>(keys: readonly K[]): Read<Prospect<K>> {
  const read = refusalOf(keys.length);
  return (kind, ...values) => {
    if (kind === TO_PEER.FREE) return { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    const refusal = read(kind, ...values);
    if (!refusal) return undefined;
    const { wait, by, ahead } = refusal;
    return { successful: false, retryAfterMs: wait, limitedBy: by.map((i) => keys[i]!), ahead };
  };
}

/** Reads statistics, by key, from a host with these keys. */
export function statsOf<K extends string>(keys: readonly K[]): Read<Readonly<Record<K, LimitStats>>> {
  return (kind, packed) => {
    const rows = kind === TO_PEER.STATS ? readStats(packed, keys.length) : undefined;
    if (!rows) return undefined;
    return Object.freeze(Object.fromEntries(keys.map((key, i) => [key, withTotals(rows[i]!)]))) as Record<
      K,
      LimitStats
    >;
  };
}
