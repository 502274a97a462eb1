/**
 * The messages that a host and its peers exchange.
 *
 * A message is `{ limitset: <name of the set>, to: "host" | "peer", session, ops: [...] }`. An operation is an array: its kind, for
 * most kinds the number of the acquisition that it concerns, then its other values. All operations of one turn travel in one
 * message.
 *
 * A session is one connection. The peer draws its number at random, since messages of an earlier connection may still be under
 * way. A peer numbers its acquisitions from 1 upwards, and never uses a number twice.
 */

import { soon } from "../platform/soon.ts";
import type { Endpoint } from "./endpoint.ts";

export const VERSION = 1;

/** Kinds of operations that a peer sends to the host, each with its values. */
export const TO_HOST = {
  /** version. The host answers with `WELCOME`. */
  HELLO: 0,
  /** name of a lock that the peer holds until it ends. */
  LOCK: 1,
  /** number, number of the acquisition around it or 0, amounts, timeoutMs or null. */
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
} as const;

/** Kinds of operations that the host sends to a peer, each with its values. */
export const TO_PEER = {
  /** The host has started to serve: a peer that said `HELLO` before has to say it again. */
  HERE: 0,
  /** version, limits, config, missingUpdate, whether the host wants heartbeats. */
  WELCOME: 1,
  /** number. */
  GRANTED: 2,
  /** number, milliseconds to wait or null for ever, indexes of the limits that refuse. */
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
} as const;

export type Operation = readonly [kind: number, ...rest: unknown[]];

/** One entry a limit: its amount, or null if it is not named. */
export type PackedAmounts = readonly (number | null)[];

type Side = "host" | "peer";

/** The part of a message that its receiver needs. */
export interface Message {
  readonly session: number;
  readonly ops: readonly Operation[];
}

/** The session number of a message to all peers of a host. */
export const BROADCAST = 0;

/** The message, if it is addressed to `side` of the set called `name` and well-formed. Channels carry other messages too. */
export function messageFor(side: Side, name: string, received: unknown): Message | undefined {
  if (typeof received !== "object" || received === null) return undefined;
  const { limitset, to, session, ops } = received as Partial<
    Record<"limitset" | "to" | keyof Message, unknown>
  >;
  if (limitset !== name || to !== side || typeof session !== "number" || !Array.isArray(ops))
    return undefined;
  return { session, ops: ops.filter((op) => Array.isArray(op) && typeof op[0] === "number") };
}

/** The receiver of messages: a side of one session, at the other end of a channel. */
export interface Address {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly to: Side;
  readonly session: number;
}

/** Collects the operations of one turn, and sends them as one message. */
export class Outbox {
  readonly #address: Address;
  readonly #failed: () => void;
  #ops: Operation[] = [];

  /** `failed` is called when the channel throws, which means that it is gone. */
  constructor(address: Address, failed: () => void) {
    this.#address = address;
    this.#failed = failed;
  }

  send(...op: Operation): void {
    if (this.#ops.push(op) === 1) soon(() => this.flush());
  }

  flush(): void {
    const ops = this.#ops;
    if (ops.length === 0) return;
    this.#ops = [];
    const { endpoint, name, to, session } = this.#address;
    try {
      endpoint.send({ limitset: name, to, session, ops });
    } catch {
      this.#failed();
    }
  }
}

/** Turns amounts by key into an array. Every key of `amounts` is one of `keys`. */
export function packAmounts(amounts: object | undefined, keys: readonly string[]): PackedAmounts {
  return keys.map((key) => (amounts as Record<string, number | undefined> | undefined)?.[key] ?? null);
}

/** Turns such an array into amounts by key. Undefined if `packed` is no such array. */
export function unpackAmounts(packed: unknown, keys: readonly string[]): Record<string, number> | undefined {
  if (!Array.isArray(packed) || packed.length > keys.length) return undefined;
  const amounts: [string, number][] = [];
  for (const [index, amount] of packed.entries()) {
    if (amount === null) continue;
    if (typeof amount !== "number") return undefined;
    amounts.push([keys[index]!, amount]);
  }
  return Object.fromEntries(amounts);
}
