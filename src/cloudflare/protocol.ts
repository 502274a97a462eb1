/**
 * The protocol between clients and an object: the methods that a client calls by the platform's RPC, and their answers. The client
 * draws an id for each request. When an answer got lost, it sends the request again under the same id; the object then takes it
 * for the same request, and neither takes nor gives back anything twice.
 */
import type { Prospect } from "../contract.ts";
import type { RedefineOptions } from "../limits/era.ts";
import type { LimitLike } from "../limits/limits.ts";
import type { LimitStats } from "../limits/stats.ts";
import type { SentChange } from "../remote/changes.ts";
import type { PackedError } from "../remote/packed-errors.ts";
import type { PartitionCounts } from "../views/shape.ts";

/** Amounts by the keys of their limits. */
export type AmountsByKey = Readonly<Record<string, number>>;

/** The partitions of a view: names, or null to leave a dimension out. */
export interface SentNames {
  readonly names: Readonly<Record<string, string | null>>;
  readonly tier?: string | undefined;
}

/** A request as a client sends it. */
export interface SentRequest {
  readonly id: string;
  /** Whether the request waits for its turn; false for a try. */
  readonly waits: boolean;
  readonly requested: AmountsByKey | undefined;
  readonly timeoutMs: number | undefined;
  /** Left out by earlier versions, as `maxWaitMs` is. */
  readonly priority?: number | undefined;
  readonly maxWaitMs?: number | undefined;
  /** The id of the acquisition through which a nested request is made. */
  readonly around: string | undefined;
  /** The id of the description that the client has; "" for none. */
  readonly descriptionId: string;
  /** The number of the era by which the client names amounts. Left out without a description, and by earlier versions. */
  readonly era?: number | undefined;
  /** The partitions of a view. Left out by a set. */
  readonly at?: SentNames | undefined;
}

/** Other limits for the set, as a client sends them. */
export interface SentLimits extends RedefineOptions {
  readonly limits: readonly LimitLike[];
  /** The number of the era of which a function has made them. Left out if none has. */
  readonly of?: number;
}

/** The description of a hosted set: all that a client needs to check requests and to make acquisitions. */
export interface SetDescription {
  /** Drawn anew whenever the object starts, since its limits may have changed, and for each era. */
  readonly id: string;
  /** The number of the era, which the object counts on for as long as it has its storage. Left out by earlier versions, as `births` is. */
  readonly era?: number;
  /** For each limit, the number of the era in which it was added. */
  readonly births?: readonly number[];
  readonly limits: readonly LimitLike[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
}

/** An answer, with the description of the era by which it goes, if the client has not got that one. */
export interface Answer {
  readonly description?: SetDescription | undefined;
}

export interface Granted extends Answer {
  readonly kind: "granted";
  /** One entry a limit of the era under which it was granted: the description is that of this era. */
  readonly units: readonly number[];
  /** For how long the request has waited, in milliseconds. Left out where it is 0. */
  readonly waitedMs?: number;
}

export interface Refused extends Answer {
  readonly kind: "refused";
  readonly retryAfterMs: number;
  readonly limitedBy: readonly string[];
  /** How many waiters stand before the request. Left out where it is 0. */
  readonly ahead?: number;
}

export interface Failed extends Answer {
  readonly kind: "failed";
  readonly error: PackedError;
}

/** The request waits no more, because the client has cancelled it. Nothing was taken. */
export interface Cancelled extends Answer {
  readonly kind: "cancelled";
}

/** How a request ended. */
export type Outcome = Granted | Refused | Failed | Cancelled;

export interface Inspected extends Answer {
  readonly kind: "inspected";
  readonly stats: Readonly<Record<string, LimitStats>>;
}

/** How many partitions there are, by dimension. */
export interface Counted extends Answer {
  readonly kind: "counted";
  readonly counts: PartitionCounts<string>;
}

/** The answer to a peek. */
export interface Foreseen extends Answer {
  readonly kind: "foreseen";
  readonly prospect: Prospect;
}

/** The answer to a change of the limits. */
export interface Changed extends Answer {
  readonly kind: "changed";
  /** True if nothing was changed, since the set has another era than that of which a function has made the limits. */
  readonly isStale?: true;
}

export interface Described {
  readonly kind: "described";
  readonly description: SetDescription;
}

/**
 * A request in the object, as its client sees it. The client disposes of the stub to end the request. The platform does so when the
 * client ends, so that nothing is left behind.
 */
export interface RequestStub extends Partial<Disposable> {
  outcome(): Promise<Outcome>;
  /** The platform calls back when the stub breaks, as it does when the object restarts. */
  onRpcBroken?(callback: () => void): void;
}

/** An object, as its clients see it. */
export interface ObjectStub {
  enter(request: SentRequest): Promise<RequestStub>;
  /** Takes a waiting request out of its line. A request that is granted already stays granted: its answer is on its way. */
  cancel(id: string): Promise<void>;
  /** Releases. `usage` reports the usage of rate limits; a rate limit that it leaves out is charged in full. */
  release(id: string, usage: AmountsByKey): Promise<void>;
  /** Renews the lease of a granted request. Resolves to false if it holds nothing, or nothing any more. */
  renew(id: string): Promise<boolean>;
  inspect(descriptionId: string, at?: SentNames): Promise<Inspected | Failed>;
  /** Tells what a try would be answered now. It takes nothing, so it needs no id: to ask twice does no harm. */
  peek(
    requested: AmountsByKey | undefined,
    descriptionId: string,
    at?: SentNames,
  ): Promise<Foreseen | Failed>;
  /** Changes the limits. An id that the object has seen lately does nothing again. Objects of earlier versions have no such method. */
  change(id: string, change: SentChange, descriptionId: string, at?: SentNames): Promise<Changed | Failed>;
  /** Gives the set other limits, once for each id. Objects of earlier versions have no such method. */
  redefine(id: string, sent: SentLimits, descriptionId: string): Promise<Changed | Failed>;
  describe(): Promise<Described | Failed>;
  /** Objects of earlier versions have no such method. */
  count(descriptionId: string): Promise<Counted | Failed>;
}
