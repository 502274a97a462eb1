/** The options of `serveLimits`, among them the bounds of what a peer may cause a host to keep. */
import { InvalidLimitError } from "../errors.ts";

/** Options of `serveLimits`. */
export interface ServeOptions {
  /**
   * The name of the set, by which one channel carries several: peers give the same name to `connectLimits`. Default: `""`.
   */
  readonly name?: string;
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
   * How many answers may be under way to one connection: sent, and not known to be read. Statistics count once for each limit.
   * `connectLimits` asks later by itself where it would meet this bound; a peer that asks on is cut off. A whole number from 1, or
   * `Infinity`. Default: 1,000.
   */
  readonly maxUnread?: number;
}

/** The bounds of a peer. */
export type Bounds = Required<Omit<ServeOptions, "name">>;

/** @throws {InvalidLimitError} if a bound is no whole number from 1, nor `Infinity`. */
export function checkBounds(options: ServeOptions): Bounds {
  const { maxRequests = 65_536, maxSessions = 1_000, maxUnread = 1_000 } = options;
  const bounds = { maxRequests, maxSessions, maxUnread };
  for (const [name, bound] of Object.entries(bounds)) {
    if (!isBound(bound)) throw new InvalidLimitError(name, bound, "a whole number from 1, or Infinity");
  }
  return bounds;
}

/** Whether a value can be a bound. */
export function isBound(value: unknown): value is number {
  return value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 1);
}
