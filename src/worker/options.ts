/** The options of a worker, and their check. */

import type { Limits } from "../contract.ts";
import { show } from "../errors.ts";
import { checkOptions, isObject } from "../limits/known-options.ts";
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { checkSurroundings } from "../limits/options.ts";
import { isSignal } from "../platform/aborted.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { BALANCES, type LoadBalancing } from "./balance.ts";
import { InvalidWorkerError, invalidOption } from "./errors.ts";
import { MODES, type WorkerMode } from "./mode.ts";
import {
  type ErrorClass,
  quoted,
  RETRY_OPTIONS,
  type RetryOptions,
  type RetryPolicy,
  toPolicy,
} from "./policy.ts";
import type { Methods, ResultOf } from "./types.ts";

/** A program for threads and processes, as the option `entry` names it. */
export type WorkerEntry = URL | string | (() => object);

/** Options of `Worker.options`. Those of retries apply to all methods. */
export interface WorkerOptions<W extends object = object, M extends WorkerMode = WorkerMode>
  extends RetryOptions<ResultOf<W, Methods<W>>> {
  /** Where the methods run. Default `"sync"`. */
  readonly mode?: M;
  /** How many objects there are, each on a thread or in a process of its own in these modes: 1 to 1000. Default 1. */
  readonly maxWorkers?: number;
  /**
   * The limits that methods find as `this.limits`. A set of any backend, or a view of one, is used as it is, and stays open when the worker stops. From a
   * list, a set is made for this worker alone, and it is closed when the worker stops. Default: the empty set.
   */
  readonly limits?: (W extends { readonly limits: infer L } ? L : Limits) | readonly LimitLike[];
  /** Which object gets the next call. Default `"least-active"`. */
  readonly loadBalancing?: LoadBalancing;
  /** Retries of single methods, by their names. Options that are left out are as for all methods. */
  readonly methods?: { readonly [N in Methods<W>]?: RetryOptions<ResultOf<W, N>> };
  /**
   * Its abort ends waits for limits and for further attempts, in calls under way and in later ones: they reject with its reason. An
   * attempt that does not wait goes on, and is the last. A signal among the arguments of a call does the same for that call.
   * Default: none.
   */
  readonly signal?: AbortSignal;
  /**
   * The program of threads and processes, which calls `serveWorker`: its URL, or for threads a function that starts it and returns
   * the thread. Bundled programs need it. Default: the library's own program, which imports the class from its `module`.
   */
  readonly entry?: WorkerEntry;
  /** The clock of the waits between attempts, of `stop`, and of a set that is made from a list. Default: the platform's. */
  readonly clock?: Clock;
}

/** Checked options, with their defaults. */
export interface Settings {
  readonly mode: WorkerMode;
  readonly maxWorkers: number;
  readonly limits: Limits | readonly Limit[];
  readonly loadBalancing: LoadBalancing;
  readonly signal: AbortSignal | undefined;
  readonly clock: Clock;
  readonly entry: WorkerEntry | undefined;
  policyFor(method: string): RetryPolicy;
  /** All classes that `retryOn` names. */
  readonly errorClasses: readonly ErrorClass[];
}

const KNOWN = [
  "mode",
  "maxWorkers",
  "limits",
  "loadBalancing",
  "methods",
  "signal",
  "clock",
  "entry",
  ...RETRY_OPTIONS,
];

// A set can be shared by no more threads than this.
const MOST_WORKERS = 1000;

/** @throws {InvalidWorkerError} naming the option, its value and what it may be. */
export function toSettings(options: WorkerOptions, methodNames: readonly string[]): Settings {
  if (typeof options !== "object" || options === null) {
    throw invalidOption("options", options, "an object");
  }
  checkOptions("a worker", options, KNOWN, invalidOption);
  const { mode = "sync", maxWorkers = 1, limits = [], loadBalancing = "least-active" } = options;
  const {
    methods = {},
    signal,
    entry,
    clock = systemClock,
  } = options as WorkerOptions<Record<string, never>>;
  if (!MODES.includes(mode)) throw invalidOption("mode", mode, quoted(MODES));
  if (!(Number.isInteger(maxWorkers) && maxWorkers >= 1 && maxWorkers <= MOST_WORKERS)) {
    throw invalidOption("maxWorkers", maxWorkers, `a whole number from 1 to ${MOST_WORKERS}`);
  }
  if (!Object.hasOwn(BALANCES, loadBalancing)) {
    throw invalidOption("loadBalancing", loadBalancing, quoted(Object.keys(BALANCES)));
  }
  if (signal !== undefined && !isSignal(signal)) {
    throw invalidOption("signal", signal, "an AbortSignal");
  }
  if (
    !(entry === undefined || typeof entry === "function" || typeof entry === "string" || entry instanceof URL)
  ) {
    throw invalidOption("entry", entry, "a URL, or a function that starts a thread and returns it");
  }
  if (typeof entry === "function" && mode === "process") {
    throw invalidOption("entry", entry, `a URL, in mode "process"`);
  }
  checkSurroundings(options, invalidOption);
  if (!isObject(methods))
    throw invalidOption("methods", methods, "an object: retries by the names of methods");
  const fallback = toPolicy(options);
  const policies = new Map(
    Object.entries(methods).map(([name, own]) => {
      if (!methodNames.includes(name)) {
        throw new InvalidWorkerError(
          `methods names ${show(name)}, which is not a method: there are ${methodNames.map(show).join(", ")}`,
        );
      }
      checkOptions(`methods.${name}`, own, RETRY_OPTIONS, invalidOption);
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
    entry,
    policyFor: (method) => policies.get(method) ?? fallback,
    errorClasses: [fallback, ...policies.values()].flatMap(({ classes }) => classes),
  };
}

function checkSet(limits: Limits): Limits {
  if (typeof (limits as Partial<Limits> | null)?.acquire === "function") return limits;
  throw invalidOption("limits", limits, "a set of limits or a list of limits");
}
