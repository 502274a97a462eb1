/** How a set on a server is made: what may be given, and what is taken where nothing is. */

import { checkLease } from "../acquisition/leased.ts";
import { InvalidLimitError, type LimitError } from "../errors.ts";
import type { LimitLike } from "../limits/limits.ts";
import { checkMissingUpdate } from "../limits/options.ts";
import { type Clock, LONGEST_TIMER_MS, systemClock } from "../platform/clock.ts";
import { warnOnce } from "../platform/warning.ts";
import type { WhenAway } from "./away.ts";
import type { RedisClient } from "./client.ts";

/** What a `RedisLimitSet` is made with. */
export interface RedisLimitSetOptions<K extends string = string> {
  /** The set's name on the server: all that are made with one name and the same limits are one set. Not empty. */
  readonly name: string;
  /** The limits to take from together. Default: none, so that everything passes. */
  readonly limits?: readonly LimitLike<K>[];
  /** A client of `ioredis`, `iovalkey` or `redis` (node-redis), single, sentinel or cluster, connected or about to be. */
  readonly client: RedisClient;
  /**
   * How long the resources of a process that has died stay taken, in milliseconds, from 10. While it lives they are renewed, three
   * times as often; so it must not block for longer. Default 30,000.
   */
  readonly leaseMs?: number;
  /** How long the server may take to answer, in milliseconds, before it counts as away. Default 1000. */
  readonly deadlineMs?: number;
  /** What happens to requests while the server is away. Default `"reject"`. */
  readonly whenAway?: WhenAway;
  /** With `whenAway: "local"`: which part of each limit this process may use by itself, above 0, at most 1. */
  readonly localShare?: number;
  /**
   * Whether these limits replace others that the server has under this name: what is in use stays in use. For one process, at a
   * change of limits. Default false: `DefinitionMismatchError`.
   */
  readonly redefine?: boolean;
  /** What a release does about a RateLimit whose usage was not reported. Both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /** Whatever those who acquire should find: a model's name, say. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** For tests: where time comes from. All who use the set need the same one. Default: the server's time. */
  readonly clock?: Clock;
  /** Told of each acquisition that was garbage-collected without a release, as `LimitSet`'s is. */
  readonly onWarning?: (warning: LimitError) => void;
}

/** With what was left out; `localShare` alone has no default. */
export type CompleteOptions<K extends string> = Required<Omit<RedisLimitSetOptions<K>, "localShare">> &
  Pick<RedisLimitSetOptions<K>, "localShare"> & {
    /** Whether time is the clock's, not the server's. */
    readonly isInjected: boolean;
  };

/**
 * @throws {InvalidLimitError} if an option makes no sense.
 */
export function completed<K extends string>(options: RedisLimitSetOptions<K>): CompleteOptions<K> {
  const { name, leaseMs = 30_000, deadlineMs = 1_000, missingUpdate = "throw" } = options;
  if (typeof name !== "string" || name === "") {
    throw new InvalidLimitError("name", name, "a string, not empty");
  }
  checkLease(leaseMs);
  if (!(typeof deadlineMs === "number" && deadlineMs > 0 && deadlineMs <= LONGEST_TIMER_MS)) {
    throw new InvalidLimitError(
      "deadlineMs",
      deadlineMs,
      `above 0, at most ${LONGEST_TIMER_MS} milliseconds`,
    );
  }
  checkMissingUpdate(missingUpdate);
  return {
    ...options,
    leaseMs,
    deadlineMs,
    missingUpdate,
    limits: options.limits ?? [],
    whenAway: options.whenAway ?? "reject",
    redefine: options.redefine === true,
    config: Object.freeze({ ...options.config }),
    clock: options.clock ?? systemClock,
    isInjected: options.clock !== undefined,
    onWarning: options.onWarning ?? warnOnce(),
  };
}
