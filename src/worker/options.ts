/** What a worker is made with. */

import type { Limits } from "../contract.ts";
import { show } from "../errors.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { BALANCES, type LoadBalancing } from "./balance.ts";
import { InvalidWorkerError } from "./errors.ts";
import { MODES, type WorkerMode } from "./mode.ts";
import { type ErrorClass, quoted, type RetryOptions, type RetryPolicy, toPolicy } from "./policy.ts";
import type { Methods, ResultOf } from "./types.ts";

/** Options of `Worker.options`. */
export interface WorkerOptions<W extends object = object, M extends WorkerMode = WorkerMode>
  extends RetryOptions<ResultOf<W, Methods<W>>> {
  /** Where the methods run. Default `"sync"`. */
  readonly mode?: M;
  /** How many objects, each on a thread or in a process of its own where the mode says so: 1 to 1000. Default 1. */
  readonly maxWorkers?: number;
  /**
   * What the methods find as `this.limits`: a set, of whatever kind; or a list, of which a set is made for this worker alone,
   * which ends with it. Default: the empty set.
   */
  readonly limits?: Limits | readonly LimitLike[];
  /** Which object gets a call. Default `"least-active"`. */
  readonly loadBalancing?: LoadBalancing;
  /** Retries of single methods; what is not named here is as for all. */
  readonly methods?: { readonly [N in Methods<W>]?: RetryOptions<ResultOf<W, N>> };
  /** Ends all that is retried or waits for limits, now and later. So does a signal among the arguments of a call, for that call. */
  readonly signal?: AbortSignal;
  /** What waits between attempts and `stop` go by. Default: the platform's. */
  readonly clock?: Clock;
}

/** Options that have been found good. */
export interface Terms {
  readonly mode: WorkerMode;
  readonly maxWorkers: number;
  readonly limits: Limits | readonly Limit[];
  readonly loadBalancing: LoadBalancing;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  policyFor(method: string): RetryPolicy;
  /** All that `retryOn` names. */
  readonly errorClasses: readonly ErrorClass[];
}

// As many as may share one set.
const MOST_WORKERS = 1000;

/** @throws {InvalidWorkerError} naming the option, its value and what it may be. */
export function toTerms(options: WorkerOptions, methodNames: readonly string[]): Terms {
  if (typeof options !== "object" || options === null) {
    throw InvalidWorkerError.option("options", options, "an object");
  }
  const { mode = "sync", maxWorkers = 1, limits = [], loadBalancing = "least-active" } = options;
  const { methods = {}, signal, clock = systemClock } = options as WorkerOptions<Record<string, never>>;
  if (!MODES.includes(mode)) throw InvalidWorkerError.option("mode", mode, quoted(MODES));
  if (!(Number.isInteger(maxWorkers) && maxWorkers >= 1 && maxWorkers <= MOST_WORKERS)) {
    throw InvalidWorkerError.option("maxWorkers", maxWorkers, `a whole number from 1 to ${MOST_WORKERS}`);
  }
  if (!Object.hasOwn(BALANCES, loadBalancing)) {
    throw InvalidWorkerError.option("loadBalancing", loadBalancing, quoted(Object.keys(BALANCES)));
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw InvalidWorkerError.option("signal", signal, "an AbortSignal");
  }
  const fallback = toPolicy(options);
  const policies = new Map(
    Object.entries(methods).map(([name, own]) => {
      if (!methodNames.includes(name)) {
        throw new InvalidWorkerError(
          `methods names ${show(name)}, which is no method: there are ${methodNames.map(show).join(", ")}`,
        );
      }
      return [name, toPolicy({ ...options, ...(own as RetryOptions) } as RetryOptions<never>)];
    }),
  );
  return {
    mode,
    maxWorkers,
    limits: Array.isArray(limits) ? toLimits(limits) : checkSet(limits as Limits),
    loadBalancing,
    signal,
    clock,
    policyFor: (method) => policies.get(method) ?? fallback,
    errorClasses: [fallback, ...policies.values()].flatMap(({ classes }) => classes),
  };
}

function checkSet(limits: Limits): Limits {
  if (typeof (limits as Partial<Limits> | null)?.acquire === "function") return limits;
  throw InvalidWorkerError.option("limits", limits, "a set of limits or a list of limits");
}
