/**
 * What travels. A message is `{ limitset: <name of the set>, to: "host" | "peer", session, ops: [...] }`, an operation an array:
 * its kind, mostly the number of the acquisition it is about, and what else it needs. A session is one connection, by a number
 * that the peer has drawn: what was said in an earlier one may still be on its way. Peers number their acquisitions, from 1
 * upwards; a number is never used again. All that is asked in one turn travels together.
 */

import { soon } from "../platform/soon.ts";
import type { Endpoint } from "./endpoint.ts";

export const VERSION = 1;

/** To the host. */
export const ASK = {
  /** version: asks for `WELCOME`. */
  HELLO: 0,
  /** name: a lock that the peer holds for as long as it lives. */
  LOCK: 1,
  /** number, number of the acquisition around it or 0, amounts, timeoutMs or null. */
  ACQUIRE: 2,
  /** number, amounts. */
  TRY: 3,
  /** number: does not want it any more, if it still waits. */
  CANCEL: 4,
  /** number, usage as amounts, null where none was reported. */
  RELEASE: 5,
  /** number. */
  STATS: 6,
  /** A sign of life. */
  PING: 7,
  /** Wants nothing any more. */
  BYE: 8,
} as const;

/** To the peer. */
export const TELL = {
  /** The host is there: whoever said `HELLO` too early says it again. */
  HERE: 0,
  /** version, limits, config, missingUpdate, whether signs of life are wanted. */
  WELCOME: 1,
  /** number. */
  GRANTED: 2,
  /** number, milliseconds to wait or null for ever, indexes of the limits that refuse. */
  REFUSED: 3,
  /** number, error. */
  FAILED: 4,
  /** number: it was cancelled. */
  CANCELLED: 5,
  /** number, one entry a limit. */
  STATS: 6,
  PONG: 7,
  /** The host does not serve this peer any more: why. */
  ENDED: 8,
} as const;

export type Op = readonly [kind: number, ...rest: unknown[]];

/** One entry a limit: its amount, or null if it is not named. */
export type Packed = readonly (number | null)[];

type Side = "host" | "peer";

/** What somebody says in a session. */
export interface Said {
  readonly session: number;
  readonly ops: readonly Op[];
}

/** In no session: the host to whoever may be there. */
export const NOBODY = 0;

/** What a message to `side` of the set called `name` says; undefined if it is not for it, or makes no sense. */
export function saidIn(message: unknown, name: string, side: Side): Said | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { limitset, to, session, ops } = message as Partial<Record<"limitset" | "to" | keyof Said, unknown>>;
  if (limitset !== name || to !== side || typeof session !== "number" || !Array.isArray(ops))
    return undefined;
  return { session, ops: ops.filter((op) => Array.isArray(op) && typeof op[0] === "number") };
}

/** Where messages go, and for whom they are. */
export interface Address {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly to: Side;
  readonly session: number;
}

/** Collects what is said in one turn, and sends it as one message. */
export class Outbox {
  readonly #address: Address;
  readonly #failed: () => void;
  #ops: Op[] = [];

  /** `failed` is called if the channel throws: it is gone. */
  constructor(address: Address, failed: () => void) {
    this.#address = address;
    this.#failed = failed;
  }

  say(...op: Op): void {
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

/** Amounts by key as an array. `keys` has them all. */
export function pack(amounts: object | undefined, keys: readonly string[]): Packed {
  const packed: (number | null)[] = keys.map(() => null);
  for (const key in amounts) packed[keys.indexOf(key)] = (amounts as Record<string, number>)[key]!;
  return packed;
}

/** Amounts by key; undefined if that is no such array. */
export function unpack(packed: unknown, keys: readonly string[]): Record<string, number> | undefined {
  if (!Array.isArray(packed) || packed.length > keys.length) return undefined;
  const amounts: [string, number][] = [];
  for (const [index, amount] of packed.entries()) {
    if (amount === null) continue;
    if (typeof amount !== "number") return undefined;
    amounts.push([keys[index]!, amount]);
  }
  return Object.fromEntries(amounts);
}
