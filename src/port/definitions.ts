/** Definitions of limits as `WELCOME` carries them: JSON has no Infinity, so that null stands for an infinite capacity. */
import type { Limit, LimitLike } from "../limits/limits.ts";
import { packNumber, unpackNumber } from "./protocol.ts";

export function packLimit(limit: Limit): object {
  return { ...limit, capacity: packNumber(limit.capacity) };
}

export function unpackLimit<K extends string, M extends string>(packed: LimitLike<K, M>): LimitLike<K, M> {
  const { capacity }: { readonly capacity?: number | null } = packed ?? {};
  return capacity === null ? { ...packed, capacity: unpackNumber(capacity) } : packed;
}
