/** The options of a set on a server, and their defaults. */

import { checkLease } from "../acquisition/leased.ts";
import { InvalidLimitError, type LimitError } from "../errors.ts";
import { checkVersion } from "../limits/era.ts";
import { checkOptions } from "../limits/known-options.ts";
import type { LimitLike } from "../limits/limits.ts";
import { checkMissingUpdate, checkQueueOptions, checkSurroundings } from "../limits/options.ts";
import type { PartitionOptions } from "../limits/partition-options.ts";
import { type Clock, LONGEST_TIMER_MS } from "../platform/clock.ts";
import { SetClock } from "../platform/set-clock.ts";
import { warnOnce } from "../platform/warning.ts";
import type { WhenAway } from "./away.ts";
import type { RedisClient } from "./client.ts";

/** The options of a `RedisLimitSet`. Only `name` and `client` are required. */
export interface RedisLimitSetOptions<K extends string = string> {
  /** The set's name on the server, not empty. All processes that use one name with the same limits share one set. */
  readonly name: string;
  /** The limits to take from together. Default: none, so that every request is granted. */
  readonly limits?: readonly LimitLike<K>[];
  /**
   * A client of `ioredis`, `iovalkey` or `redis` (node-redis), single, sentinel or cluster, connected or about to be; or one of
   * `@upstash/redis`, which needs no connection: waiters then look again every 250 ms.
   */
  readonly client: RedisClient;
  /**
   * How long the resources of a process that has died stay taken, in milliseconds, at least 10. A living process renews its lease
   * after each third of that time, so it must not block for longer. Default 30,000.
   */
  readonly leaseMs?: number;
  /**
   * How long the server may take to answer before it counts as away, in milliseconds, above 0. Time in which this process did not run
   * does not count, nor does time in which the server answers earlier calls of the client. Default 1000.
   */
  readonly deadlineMs?: number;
  /**
   * How requests are answered while the server is away. A server that refuses is not away: requests then reject with
   * `BackendRefusedError`. Default `"reject"`.
   */
  readonly whenAway?: WhenAway;
  /** With `whenAway: "local"`: the part of each limit that this process may use by itself, above 0, at most 1. */
  readonly localShare?: number;
  /**
   * The version of these limits, a whole number. If other limits are in use under this name, those of the higher version count for all
   * processes; of one version, those of the process that came later, with a `SameVersionWarning`. What is used stays used. Default: 0.
   */
  readonly version?: number;
  /** What a release does about a RateLimit whose usage was not reported. Both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /** Data for the code that acquires, such as a model's name: every acquisition has a copy. Default `{}`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /**
   * How many requests of this process may wait, at most: one more rejects with a `QueueFullError`. Nested requests do not count.
   * Default: no bound.
   */
  readonly maxWaiting?: number;
  /**
   * How much waiting is worth a priority of 1, in milliseconds: a request goes before those of the next higher priority that came so
   * much later. Default: none, so that a higher priority always goes first.
   */
  readonly agingMs?: number;
  /**
   * A dimension whose partitions are served in turn where requests of this process wait for a limit of all; not with `agingMs`. Default:
   * none, so that requests are served in the order of their calls.
   */
  readonly fairBy?: string;
  /**
   * The options of a `LimitSet` about its dimensions, for programs that give all their sets the same. They are checked and have no
   * effect: on a server, partitions that have recovered expire, and there is no bound beside its memory.
   */
  readonly partitions?: Readonly<Record<string, PartitionOptions>>;
  /** For tests: the source of time. All processes of the set need the same one. Default: the server's time. */
  readonly clock?: Clock;
  /**
   * Called for each acquisition that was garbage-collected without a release, after its resources have been given back. Called once
   * with a `BackendRefusedError` if the client's user may not hear of releases, or not tell of them: waiters then ask again by
   * themselves.
   * Default: the first of a set is reported by `process.emitWarning` or `console.warn`.
   */
  readonly onWarning?: (warning: LimitError) => void;
}

/** The options with their defaults. `localShare` alone has none. */
export type CompleteOptions<K extends string> = Required<
  Omit<RedisLimitSetOptions<K>, "localShare" | "clock" | "maxWaiting" | "agingMs" | "fairBy" | "partitions">
> &
  Pick<RedisLimitSetOptions<K>, "localShare" | "maxWaiting" | "agingMs" | "fairBy"> & {
    readonly clock: SetClock;
    /** Whether time is that of an injected clock, not the server's. */
    readonly isInjected: boolean;
  };

export const KNOWN: readonly string[] = [
  ...["name", "limits", "client", "leaseMs", "deadlineMs", "whenAway", "localShare", "version"],
  ...["missingUpdate", "config", "clock", "onWarning", "maxWaiting", "agingMs", "fairBy", "partitions"],
];

/**
 * @throws {InvalidLimitError} if an option makes no sense.
 */
export function completed<K extends string>(options: RedisLimitSetOptions<K>): CompleteOptions<K> {
  checkOptions("a RedisLimitSet", options, KNOWN);
  const { name, leaseMs = 30_000, deadlineMs = 1_000, missingUpdate = "throw" } = options;
  if (typeof name !== "string" || name === "") {
    throw new InvalidLimitError("name", name, "a string, not empty");
  }
  checkLease(leaseMs);
  checkVersion(options.version);
  if (!(typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS)) {
    throw new InvalidLimitError(
      "deadlineMs",
      deadlineMs,
      `above 0, at most ${LONGEST_TIMER_MS} milliseconds`,
    );
  }
  checkMissingUpdate(missingUpdate);
  checkQueueOptions(options);
  checkSurroundings(options);
  return {
    ...options,
    leaseMs,
    deadlineMs,
    missingUpdate,
    limits: options.limits ?? [],
    whenAway: options.whenAway ?? "reject",
    version: options.version ?? 0,
    config: Object.freeze({ ...options.config }),
    clock: new SetClock(options.clock),
    isInjected: options.clock !== undefined,
    onWarning: options.onWarning ?? warnOnce(),
  };
}
