/** The Durable Object that hosts a set: loads the set from storage once, and hands the calls of clients to its host. */

import { checkLease } from "../acquisition/leased.ts";
import type { Awaitable } from "../contract.ts";
import { checkVersion } from "../limits/era.ts";
import { checkOptions } from "../limits/known-options.ts";
import { type LimitLike, toLimits } from "../limits/limits.ts";
import { checkMissingUpdate, checkQueueOptions } from "../limits/options.ts";
import { checkPartitionOptions, type PartitionOptions } from "../limits/partition-options.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import type { SentChange } from "../remote/changes.ts";
import { packError } from "../remote/packed-errors.ts";
import { Host } from "./host.ts";
import { tableIn } from "./partition-table.ts";
import { DurableObject, RpcTarget } from "./platform.ts";
import type {
  AmountsByKey,
  Changed,
  Counted,
  Described,
  Failed,
  Foreseen,
  Inspected,
  Outcome,
  SentLimits,
  SentNames,
  SentRequest,
} from "./protocol.ts";
import type { QueueSettings } from "./queue-settings.ts";
import { tableFor } from "./restore.ts";
import { SetStorage } from "./set-storage.ts";

/** The options of an object's set, as `limitOptions()` returns them. A wrong option makes all calls of clients reject with its error. */
export interface LimitSetObjectOptions<K extends string = string> {
  /** The limits that each request takes from together. Default: none, so that every request is granted. */
  readonly limits?: readonly LimitLike<K>[];
  /**
   * The version of the limits, a whole number: limits of a lower version than the object has change nothing. Default: none, which
   * counts as 0.
   */
  readonly version?: number;
  /** Values that each acquisition finds as its `config`: a model's name, for example. They are copied to clients. Default `{}`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * What a release does if the usage of a RateLimit was not reported. With both values the limit is charged in full; `"throw"` also
   * throws `UsageNotReportedError`. Default `"throw"`.
   */
  readonly missingUpdate?: "throw" | "charge";
  /**
   * How long resources stay held after the object has last heard of their holder, in milliseconds, at least 10. Default 30,000.
   * A client renews its leases three times in this time. When a client vanishes, the platform tells the object as a rule, and its
   * leases end at once; `leaseMs` counts where the platform does not.
   */
  readonly leaseMs?: number;
  /**
   * How many requests may wait, of all clients together: one more rejects with a `QueueFullError`. Nested requests do not count. Default:
   * no bound.
   */
  readonly maxWaiting?: number;
  /**
   * How much waiting is worth a priority of 1, in milliseconds: a request goes before those of the next higher priority that came so
   * much later. Default: none, so that a higher priority always goes first.
   */
  readonly agingMs?: number;
  /**
   * By dimension, how many partitions have a state of their own, and what happens beyond. Default: 100,000 each, and new names share one
   * state.
   */
  readonly partitions?: Readonly<Record<string, PartitionOptions>>;
  /** The dimension whose partitions are served in turn at limits of all; not together with `agingMs`. Default: none. */
  readonly fairBy?: string;
  /** For tests: the clock of the set. Default: the system's clock. */
  readonly clock?: Clock;
}

const KNOWN = [
  ...["limits", "version", "config", "missingUpdate", "leaseMs", "clock"],
  ...["maxWaiting", "agingMs", "partitions", "fairBy"],
];

/** Those of the options of a queue that are given. */
function given({ maxWaiting, agingMs, partitions, fairBy }: QueueOptions): QueueSettings {
  return {
    ...(maxWaiting !== undefined && { maxWaiting }),
    ...(agingMs !== undefined && { agingMs }),
    ...(partitions !== undefined && { partitions }),
    ...(fairBy !== undefined && { fairBy }),
  };
}

type QueueOptions = { readonly [name in keyof QueueSettings]?: QueueSettings[name] | undefined };

/**
 * A copy of the system's clock. The build for workerd gives a set with the system's clock itself one timer for each waiter, since a
 * timer ends with the HTTP request that has set it. In an object a timer lasts, so that one is enough for all waiters.
 */
const objectClock: Clock = { ...systemClock };

/** The object's end of a request. The platform disposes of it when its client ends, in whatever way. */
class RequestTarget extends RpcTarget {
  readonly #host: Promise<Host | Failed>;
  readonly #id: string;
  readonly #outcome: Promise<Outcome>;

  constructor(host: Promise<Host | Failed>, request: SentRequest) {
    super();
    this.#host = host;
    this.#id = request.id;
    this.#outcome = host.then((host) => (host instanceof Host ? host.enter(request, this) : host));
    this.#outcome.catch(() => {}); // An error is handled where the client calls outcome().
  }

  outcome(): Promise<Outcome> {
    return this.#outcome;
  }

  [Symbol.dispose](): void {
    this.#host.then((host) => host instanceof Host && host.abandon(this.#id, this)).catch(() => {});
  }
}

/**
 * A Durable Object that hosts a set of limits, for all clients that connect to its name by `connectDurable`. The set's state is kept
 * in the object's storage. When the runtime has ended the object, the set goes on from there.
 *
 * Extend the class, give it `limits`, and export it from the Worker that the namespace is bound to. When the limits of the class
 * are changed, that is a redefinition: limits with the same key take over what was used and what is held. Limits that a client has given
 * by `redefine` stay until then.
 *
 * @throws {CannotHostError} if constructed outside of workerd.
 * @example
 * export class Budget extends LimitSetObject {
 *   static override limits = [new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 })];
 * }
 * // in an HTTP request
 * const limits = connectDurable<typeof Budget>(env.BUDGET, "model-api");
 * (await limits.acquire({ tokens: 500 })).requested; // { tokens: 500 }
 */
export class LimitSetObject extends DurableObject {
  /** The limits that each request takes from together. Default: none, so that every request is granted. */
  static limits: readonly LimitLike[] = [];
  /**
   * The version of the limits, a whole number: limits of a lower version than the object has change nothing. Default: none, which
   * counts as 0.
   */
  static version?: number;
  /** Values that each acquisition finds as its `config`. They are copied to clients. Default `{}`. */
  static config: Readonly<Record<string, unknown>> = {};
  /**
   * What a release does if the usage of a RateLimit was not reported. With both values the limit is charged in full; `"throw"` also
   * throws `UsageNotReportedError`. Default `"throw"`.
   */
  static missingUpdate: "throw" | "charge" = "throw";
  /** How long resources stay held after the object has last heard of their holder, in milliseconds, at least 10. Default 30,000. */
  static leaseMs = 30_000;
  /** How many requests may wait, of all clients together: one more rejects with a `QueueFullError`. Default: no bound. */
  static maxWaiting?: number;
  /** How much waiting is worth a priority of 1, in milliseconds. Default: none, so that a higher priority always goes first. */
  static agingMs?: number;
  /**
   * By dimension, how many partitions have a state of their own, and what happens beyond. Default: 100,000 each, and new names share one
   * state.
   */
  static partitions?: Readonly<Record<string, PartitionOptions>>;
  /** The dimension whose partitions are served in turn at limits of all; not together with `agingMs`. Default: none. */
  static fairBy?: string;

  /** The platform's types recognise an object with callable methods by this. */
  declare readonly __DURABLE_OBJECT_BRAND: never;
  #host: Promise<Host | Failed> | undefined;

  /**
   * The options of the set. By default they are the static members of the class. Override it if they depend on the object: each object
   * calls it when it starts.
   *
   * @example
   * class Tenant extends LimitSetObject {
   *   protected override limitOptions() {
   *     return { limits: [new CallLimit({ capacity: 100, windowMs: 60_000 })], leaseMs: 60_000 };
   *   }
   * }
   * // in an HTTP request, where BUDGET is bound to the class
   * const limits = connectDurable<"call_count">(env.BUDGET, "tenant 7");
   * (await limits.acquire()).requested; // { call_count: 1 }
   */
  protected limitOptions(): Awaitable<LimitSetObjectOptions> {
    const { limits, version, config, missingUpdate, leaseMs, ...queue } = membersOf(this.constructor);
    return { limits, ...(version !== undefined && { version }), config, missingUpdate, leaseMs, ...queue };
  }

  /** @internal */
  enter(request: SentRequest): RequestTarget {
    return new RequestTarget(this.#open(), request);
  }

  /** @internal */
  async cancel(id: string): Promise<void> {
    const host = await this.#open();
    if (host instanceof Host) host.cancel(id);
  }

  /** @internal */
  async release(id: string, usage: AmountsByKey): Promise<void> {
    const host = await this.#open();
    if (host instanceof Host) host.release(id, usage);
  }

  /** @internal */
  async renew(id: string): Promise<boolean> {
    const host = await this.#open();
    return host instanceof Host && host.renew(id);
  }

  /** @internal */
  async inspect(descriptionId: string, at?: SentNames): Promise<Inspected | Failed> {
    const host = await this.#open();
    return host instanceof Host ? host.stats(descriptionId, at) : host;
  }

  /** @internal */
  async peek(
    requested: AmountsByKey | undefined,
    descriptionId: string,
    at?: SentNames,
  ): Promise<Foreseen | Failed> {
    const host = await this.#open();
    return host instanceof Host ? host.peek(requested, descriptionId, at) : host;
  }

  /** @internal */
  async change(
    id: string,
    change: SentChange,
    descriptionId: string,
    at?: SentNames,
  ): Promise<Changed | Failed> {
    const host = await this.#open();
    return host instanceof Host ? host.change(id, change, descriptionId, at) : host;
  }

  /** @internal */
  async redefine(id: string, sent: SentLimits, descriptionId: string): Promise<Changed | Failed> {
    const host = await this.#open();
    return host instanceof Host ? host.redefine(id, sent, descriptionId) : host;
  }

  /** @internal */
  async count(descriptionId: string): Promise<Counted | Failed> {
    const host = await this.#open();
    return host instanceof Host ? host.count(descriptionId) : host;
  }

  /** @internal */
  async describe(): Promise<Described | Failed> {
    const host = await this.#open();
    return host instanceof Host ? { kind: "described", description: host.description } : host;
  }

  /** @internal The platform calls it when the object's alarm goes off. A class with an `alarm()` of its own has to call this one too. */
  async alarm(): Promise<void> {
    const host = await this.#open();
    if (host instanceof Host) host.alarm();
  }

  #open(): Promise<Host | Failed> {
    this.#host ??= this.ctx.blockConcurrencyWhile(() => this.#load());
    return this.#host;
  }

  async #load(): Promise<Host | Failed> {
    const { ctx } = this;
    // What the object has in memory would no longer be what its storage has. So it ends, as where a write fails that is not awaited: what
    // this event has written goes with it, clients ask again, and the object starts from its storage.
    const failed = (error: unknown) => ctx.abort?.(`the storage of the limits has failed: ${String(error)}`);
    const storage = new SetStorage(ctx.storage, () => tableIn(ctx.storage, failed));
    const stored = await storage.load();
    try {
      const options = await this.limitOptions();
      checkOptions("limitOptions()", options, KNOWN);
      const { limits = [], version, config = {}, missingUpdate = "throw" } = options;
      const { leaseMs = 30_000, clock = objectClock } = options;
      checkMissingUpdate(missingUpdate);
      checkLease(leaseMs);
      checkVersion(version);
      const queue = given(options);
      checkQueueOptions(queue);
      const checked = toLimits(limits);
      checkPartitionOptions(checked, queue);
      tableFor(checked, storage);
      const versioned = { limits: checked, ...(version !== undefined && { version }) };
      return new Host({ ...versioned, config, missingUpdate, leaseMs, clock, queue }, storage, stored);
    } catch (error) {
      return { kind: "failed", error: packError(error) };
    }
  }
}

/** The options that are static members of a class. */
function membersOf(type: unknown) {
  const members = type as typeof LimitSetObject;
  const { limits, version, config, missingUpdate, leaseMs, maxWaiting, agingMs, partitions, fairBy } =
    members;
  const queue = given({ maxWaiting, agingMs, partitions, fairBy });
  return { limits, version, config, missingUpdate, leaseMs, ...queue };
}
