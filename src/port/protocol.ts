/**
 * The messages that a host and its peers exchange.
 *
 * A message is `{ limitset: <name of the set>, to: "host" | "peer", session, ops: [...] }`. An operation is an array: its kind, for
 * most kinds the number of the acquisition that it concerns, then its other values. All operations of one turn travel in one
 * message, or in a few if there are more than `MOST_OPS`.
 *
 * A session is one connection. The peer draws its number at random, since messages of an earlier connection may still be under
 * way. A peer numbers its acquisitions from 1 upwards, and never uses a number twice.
 *
 * A peer has to read what it asks for. The host tells it `maxUnread` in `WELCOME`. From time to time the host sends `MARK`, with a
 * mark that cannot be guessed and the cost of all operations that it has handled so far; the peer sends the mark back by `READ`.
 * Until then the host sends no further `MARK`, and a peer whose operations are `maxUnread` ahead of the last `MARK` waits. So at
 * most about twice as many answers are under way, besides those to requests that wait.
 *
 * Amounts travel without names, so both sides have to know of which limits they speak. When the set is redefined, the host tells it by
 * `REDEFINED`, and all its later answers go by the new limits; the peer answers `FOLLOWS`, and so do all its later operations. The usage
 * of an acquisition goes by the limits under which it was granted. The host tells at once if the peer has followed all that it was told
 * before, and else with the next answer, so that a peer that reads nothing is sent nothing more. A peer of an earlier version is `ENDED`.
 */

import { amountOf } from "../limits/amounts.ts";

export const VERSION = 2;

/** The most operations of one message. */
export const MOST_OPS = 4_096;

/** Kinds of operations that a peer sends to the host, each with its values. */
export const TO_HOST = {
  /** version, the latest kind of operations that the peer knows: left out before `REDEFINED`. The host answers with `WELCOME`. */
  HELLO: 0,
  /** name of a lock that the peer holds until it ends. */
  LOCK: 1,
  /** number, number of the acquisition around it or 0, amounts, timeoutMs or null; priority, maxWaitMs, each left out by default. */
  ACQUIRE: 2,
  /** number, amounts. */
  TRY: 3,
  /** number. The request is withdrawn if it still waits. */
  CANCEL: 4,
  /** number, usage as amounts, null where none was reported. */
  RELEASE: 5,
  /** number. */
  STATS: 6,
  /** A heartbeat. The host answers with `PONG`. */
  PING: 7,
  /** The peer has closed the connection. */
  BYE: 8,
  /** mark. The peer has read all up to this `MARK`. It comes before all that the peer asks for. */
  READ: 9,
  /** number, amounts. Only to a host that says in `WELCOME` that it knows this kind. */
  PEEK: 10,
  /** number, which change, its values: see `changes.ts`. Only to a host that says in `WELCOME` that it knows this kind. */
  CHANGE: 11,
  /**
   * number, limits, inherit, version, number of the era of which a function has made them: each null where it was left out. Only to a
   * host that says in `WELCOME` that it knows this kind.
   */
  REDEFINE: 12,
  /** number of an era. From now on the peer's operations go by its limits. The answer to `REDEFINED`. */
  FOLLOWS: 13,
  /**
   * names, tier or null. The next operation that asks for something is one of the view that has these: for each dimension of the limits its
   * name, null for none, or true to leave its limits out. Only to a host that says in `WELCOME` that it knows this kind.
   */
  FOR: 14,
  /** number. Only to a host that says in `WELCOME` that it knows this kind. */
  PARTITIONS: 15,
} as const;

/** The latest kind of operations that a host of this version knows. */
export const LATEST_KIND = TO_HOST.PARTITIONS;

/** Kinds of operations that the host sends to a peer, each with its values. */
export const TO_PEER = {
  /** The host has started to serve: a peer that said `HELLO` before has to say it again. */
  HERE: 0,
  /**
   * version, limits, config, missingUpdate, whether the host wants heartbeats, maxUnread or null for no bound, the latest kind of
   * operations that the host knows: left out by a host that knows no `PEEK`.
   */
  WELCOME: 1,
  /**
   * number; for how long it has waited in milliseconds, left out if it has not; the amounts that were taken, if the request was made
   * under other limits than those that the peer was told last, under which it is granted.
   */
  GRANTED: 2,
  /** number, milliseconds to wait or null for ever, indexes of the limits that refuse; how many stand before it, left out if none. */
  REFUSED: 3,
  /** number, packed error. */
  FAILED: 4,
  /** number. The answer to `CANCEL`, if the request still waited. */
  CANCELLED: 5,
  /** number, one entry a limit. */
  STATS: 6,
  PONG: 7,
  /** reason. The host does not serve this peer any more. */
  ENDED: 8,
  /** mark, cost of all operations that the host has handled. */
  MARK: 9,
  /** number, why. What a granted request holds is lost: the host's own set is elsewhere, and has given it away. */
  LOST: 10,
  /** number. The answer to `PEEK`, if a try would be granted; else that is `REFUSED`. */
  FREE: 11,
  /** number. The answer to `CHANGE` and `REDEFINE`; with false, if the limits were made of those of another era. */
  CHANGED: 12,
  /**
   * number of an era, its limits, and for each of them the number of the era in which it was added. From now on the answers go by these
   * limits. Only to a peer that knows this kind.
   */
  REDEFINED: 13,
  /** number; for each dimension its name, how many partitions there are, how many there may be, and whether names share one. */
  PARTITIONS: 14,
} as const;

/** An operation as it is sent: its kind, and its values. */
export type Operation = readonly [kind: number, ...rest: unknown[]];

/** One entry a metric, in the order of the limits: its amount, or null if it is not named. */
export type PackedAmounts = readonly (number | null)[];

export type Side = "host" | "peer";

/** The part of a message that its receiver needs. */
export interface Message {
  readonly session: number;
  readonly ops: readonly Operation[];
}

/** The session number of a message to all peers of a host. */
export const BROADCAST = 0;

/** A number as it is sent: JSON has no Infinity, so null stands for it. */
export type PackedNumber = number | null;

export function packNumber(value: number): PackedNumber {
  return value === Number.POSITIVE_INFINITY ? null : value;
}

export function unpackNumber(packed: PackedNumber): number {
  return packed ?? Number.POSITIVE_INFINITY;
}

/** The latest kind of operations that a peer of this version knows, of those that it does not ask for. */
export const LATEST_TO_PEER = TO_PEER.REDEFINED;

const ANSWERED: ReadonlySet<number> = /* @__PURE__ */ new Set([
  TO_HOST.ACQUIRE,
  TO_HOST.TRY,
  TO_HOST.PING,
  TO_HOST.PEEK,
  TO_HOST.CHANGE,
  TO_HOST.REDEFINE,
  TO_HOST.PARTITIONS,
]);

/** How many answers an operation of a peer causes, where statistics of `limits` limits count once for each. */
export function costOf(kind: number, limits: number): number {
  if (kind === TO_HOST.STATS) return Math.max(1, limits);
  return ANSWERED.has(kind) ? 1 : 0;
}

/** Turns amounts by metric into an array. Every name in `amounts` is one of `metrics`. */
export function packAmounts(amounts: object | undefined, metrics: readonly string[]): PackedAmounts {
  return metrics.map((name) => amountOf(amounts, name) ?? null);
}
