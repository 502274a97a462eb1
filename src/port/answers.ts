/** The host's answers to the questions of a peer: a host packs them, and a peer reads them. */
import type { Acquisition, Prospect } from "../contract.ts";
import { type LimitStats, withTotals } from "../limits/stats.ts";
import { type Operation, packAmounts, packNumber, TO_PEER } from "./protocol.ts";
import type { Read } from "./questions.ts";
import { type ReadRefusal, readRefusal, readStats } from "./reading.ts";

/** A grant. `names` are the metrics of the limits under which it is granted, if these are others than the peer has asked under. */
export function packGrant(
  number: number,
  { waitedMs, requested }: Pick<Acquisition, "waitedMs" | "requested">,
  names: readonly string[] | undefined,
): Operation {
  if (names) return [TO_PEER.GRANTED, number, waitedMs, packAmounts(requested, names)];
  return waitedMs > 0 ? [TO_PEER.GRANTED, number, waitedMs] : [TO_PEER.GRANTED, number];
}

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

/** Reads the refusal of a try, from a host with as many limits as `keys` then has. */
export function refusalOf(keys: () => readonly string[]): Read<ReadRefusal> {
  return (kind, wait, by, ahead) =>
    kind === TO_PEER.REFUSED ? readRefusal(wait, by, ahead, keys().length) : undefined;
}

/** Reads the answer to a peek, from a host with the keys that there are then. */
export function prospectOf<K extends string>(keys: () => readonly K[]): Read<Prospect<K>> {
  const read = refusalOf(keys);
  return (kind, ...values) => {
    if (kind === TO_PEER.FREE) return { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    const refusal = read(kind, ...values);
    if (!refusal) return undefined;
    const { wait, by, ahead } = refusal;
    return { successful: false, retryAfterMs: wait, limitedBy: by.map((i) => keys()[i]!), ahead };
  };
}

/** Reads statistics, by key, from a host with the keys that there are then. */
export function statsOf<K extends string>(
  present: () => readonly K[],
): Read<Readonly<Record<K, LimitStats>>> {
  return (kind, packed) => {
    const keys = present();
    const rows = kind === TO_PEER.STATS ? readStats(packed, keys.length) : undefined;
    if (!rows) return undefined;
    return Object.freeze(Object.fromEntries(keys.map((key, i) => [key, withTotals(rows[i]!)]))) as Record<
      K,
      LimitStats
    >;
  };
}
