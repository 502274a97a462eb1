/** The bounds of what the peer at the other end of a channel may cause a host to keep. */
import { InvalidLimitError } from "../errors.ts";

/** The bounds of a peer: options of `serveLimits`. */
export interface PeerBounds {
  /**
   * How many requests of the peer may wait or be held at once, over all its connections. A request beyond it rejects with
   * `BackendUnavailableError`. A whole number from 1, or `Infinity`. Default: 65,536.
   */
  readonly maxRequests?: number;
  /**
   * How many connections the peer may have over the channel. A connection beyond it ends with `BackendUnavailableError`. A whole
   * number from 1, or `Infinity`. Default: 1,000.
   */
  readonly maxSessions?: number;
  /**
   * How many answers may be under way to one connection: sent, and not yet known to be read. Statistics count once for each
   * limit. `connectLimits` keeps to it by itself, by asking later; a peer that does not is cut off. A whole number from 1, or
   * `Infinity`. Default: 1,000.
   */
  readonly maxUnread?: number;
}

/** @throws {InvalidLimitError} if a bound is no whole number from 1, nor `Infinity`. */
export function checkBounds(bounds: PeerBounds): Required<PeerBounds> {
  const { maxRequests = 65_536, maxSessions = 1_000, maxUnread = 1_000 } = bounds;
  const all = { maxRequests, maxSessions, maxUnread };
  for (const [name, bound] of Object.entries(all)) {
    if (!isBound(bound)) throw new InvalidLimitError(name, bound, "a whole number from 1, or Infinity");
  }
  return all;
}

/** Whether a value can be a bound. */
export function isBound(value: unknown): value is number {
  return value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 1);
}
