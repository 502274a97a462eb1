/**
 * What client and object say to each other, by the platform's own calls. Every request has an id that the client has drawn, by which
 * it can be asked again when an answer got lost: it is then the same one, nothing is taken twice or given back twice.
 */
import type { LimitLike } from "../limits/limits.ts";
import type { LimitStats } from "../limits/stats.ts";
import type { PackedError } from "../remote/packed-errors.ts";

/** Amounts by key. */
export type Named = Readonly<Record<string, number>>;

export interface Ask {
  readonly id: string;
  /** Whether it waits for its turn. */
  readonly waits: boolean;
  readonly requested: Named | undefined;
  readonly timeoutMs: number | undefined;
  /** The id of the acquisition around it. */
  readonly around: string | undefined;
  /** Of the facts that the client knows; "" for none. */
  readonly seal: string;
}

/** What a client needs to know of an object's limits. */
export interface Facts {
  /** Another one in each life of the object. */
  readonly seal: string;
  readonly limits: readonly LimitLike[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
}

/** Facts come with what was asked if the client does not know them. */
export interface Informed {
  readonly facts?: Facts | undefined;
}

export interface Granted extends Informed {
  readonly kind: "granted";
  /** One entry a limit. */
  readonly units: readonly number[];
}

export interface Refused extends Informed {
  readonly kind: "refused";
  readonly retryAfterMs: number;
  readonly limitedBy: readonly string[];
}

export interface Failed extends Informed {
  readonly kind: "failed";
  readonly error: PackedError;
}

/** It waits no more: the client did not want it to. */
export interface Left extends Informed {
  readonly kind: "left";
}

export type Outcome = Granted | Refused | Failed | Left;

export interface Inspected extends Informed {
  readonly kind: "stats";
  readonly stats: Readonly<Record<string, LimitStats>>;
}

export interface Described {
  readonly kind: "facts";
  readonly facts: Facts;
}

/** A request as long as it waits or holds: to be disposed of by who has asked; the end of a client disposes of all it has. */
export interface TicketLike {
  outcome(): Promise<Outcome>;
}

/** An object, as a client sees it. */
export interface Remote {
  enter(ask: Ask): Promise<TicketLike & Disposable>;
  /** Takes a request out of the line. One that is granted stays: the client will have heard. */
  cancel(id: string): Promise<void>;
  /** Gives back, with what was used of rates; what is not named was used in full. */
  release(id: string, usage: Named): Promise<void>;
  /** Says that the client lives; false if it does not hold that. */
  renew(id: string): Promise<boolean>;
  inspect(seal: string): Promise<Inspected | Failed>;
  describe(): Promise<Described | Failed>;
}
