/** The options of `limitFetch`. */
import type { Amounts, Awaitable, Limits } from "../contract.ts";
import { InvalidRequestError, type LimitError, show } from "../errors.ts";
import {
  checkOptions,
  checksOf,
  invalidRequest,
  isBoolean,
  isFunction,
  isObject,
  isTime,
} from "../limits/known-options.ts";
import { checkSurroundings } from "../limits/options.ts";
import type { Clock } from "../platform/clock.ts";
import type { FetchAnswer, FetchRequest, Provider } from "./provider.ts";

/**
 * An answer whose body has ended.
 *
 * @example
 * const usage = ({ bytes }: EndedAnswer) => ({ bytes });
 * typeof usage; // "function"
 */
export interface EndedAnswer extends FetchAnswer {
  /** Whether the body has ended by itself: false if it failed or was cancelled. */
  readonly complete: boolean;
  /** The length of the body that has passed, in bytes, without compression. */
  readonly bytes: number;
  /** The body as text, if it has at most 24 KiB; undefined if it has more. */
  readonly text: string | undefined;
}

/**
 * The news that a request has to wait.
 *
 * @example
 * const onWait = ({ request, retryAfterMs }: FetchWait) => `${request.url.host} in ${retryAfterMs} ms`;
 * typeof onWait; // "function"
 */
export interface FetchWait {
  /** The request. */
  readonly request: FetchRequest;
  /** The milliseconds until it could pass; `Infinity` if it needs a release. */
  readonly retryAfterMs: number;
  /** The keys of the limits that refuse. */
  readonly limitedBy: readonly string[];
  /** How many waiters stand before it. */
  readonly ahead: number;
}

/**
 * How requests are sent again.
 *
 * @example
 * const retry: FetchRetry = { times: 2, baseMs: 250 };
 * retry.times; // 2
 */
export interface FetchRetry {
  /** How many times a request is sent again, at most. */
  readonly times: number;
  /**
   * The longest wait before the first retry, in milliseconds, where the server says none; it doubles with each one. The wait is a
   * random part of it. Default: 500.
   */
  readonly baseMs?: number;
  /** The most to which it grows, in milliseconds. Default: 30,000. */
  readonly maxMs?: number;
}

/** The options of `limitFetch` that a route may have, too. */
export interface RouteOptions<M extends string = string> {
  /** What is known of the API. Default: nothing; `Retry-After` is obeyed all the same. */
  readonly provider?: Provider | undefined;
  /**
   * The amounts to take for a request. They are added to those of the provider, and win over them. Default: those of the provider;
   * without one, 1 of each CallLimit and ResourceLimit.
   */
  readonly cost?: ((request: FetchRequest) => Awaitable<Amounts<M>>) | undefined;
  /** The usage of a request, once the body has ended. It wins over that of the provider. Default: that of the provider. */
  readonly usage?: ((answer: EndedAnswer) => Amounts<M> | undefined) | undefined;
  /** The set's names for the metrics of the provider. Default: the same names. */
  readonly metrics?: Readonly<Record<string, M>> | undefined;
  /**
   * How many times a request is sent again, after 429, 503, 529, and errors before an answer. Everything that it holds is given back
   * between two attempts, and each attempt takes anew. Default: 0.
   */
  readonly retry?: number | FetchRetry | undefined;
  /** The longest wait of an attempt for its turn, in milliseconds. Default: no end. */
  readonly timeoutMs?: number | undefined;
  /** The longest wait that is worth to begin, in milliseconds. Default: no end. */
  readonly maxWaitMs?: number | undefined;
  /** The priority of a request, higher first. Default: 0. */
  readonly priority?: number | ((request: FetchRequest) => number) | undefined;
  /** The partition of a request: the names of its dimensions, such as `{ user: "alice" }`. Default: none. */
  readonly for?: ((request: FetchRequest) => Readonly<Record<string, string | null>>) | undefined;
  /** Called for a request that has to wait. With it, each request asks first whether it would pass. Default: none. */
  readonly onWait?: ((wait: FetchWait) => void) | undefined;
  /** Whether capacities that the server says become those of the set. Default: false. */
  readonly learn?: boolean | undefined;
  /**
   * What becomes of a request that could never pass, or that `timeoutMs`, `maxWaitMs` or the set's `maxWaiting` refuses: an answer of
   * status 429 that is made here, or the error. Default: `"respond"`.
   */
  readonly refused?: "respond" | "throw" | undefined;
  /** How long a body may be left unread before it is cancelled, in milliseconds; `Infinity` for no end. Default: 60,000. */
  readonly unreadMs?: number | undefined;
  /** The longest pause that an answer may cause, in milliseconds. Default: 3,600,000, an hour. */
  readonly maxPauseMs?: number | undefined;
}

/** The set of a host, with options of its own. */
export interface Route<M extends string = string> extends RouteOptions<M> {
  /** The set. */
  readonly limits: Limits<M, never>;
}

/** The options of `limitFetch`. */
export interface FetchOptions<M extends string = string> extends RouteOptions<M> {
  /**
   * Other sets for some hosts, such as `"api.github.com"` or `"localhost:8080"`. A route has the options that it names; `provider`,
   * `cost`, `usage`, `metrics` and `for` are its own, and the others default to those beside `routes`. Default: none.
   */
  readonly routes?: Readonly<Record<string, Limits<never, never> | Route<never>>> | undefined;
  /** The `fetch` that sends. Default: that of the platform. */
  readonly fetch?: typeof fetch | undefined;
  /** Receives an `UnreadBodyWarning` for each body that was left unread. Default: `process.emitWarning` or `console.warn`, once. */
  readonly onWarning?: ((warning: LimitError) => void) | undefined;
  /** The source of time and timers. Default: the platform's monotonic clock. */
  readonly clock?: Clock | undefined;
}

const FUNCTIONS = ["cost", "usage", "for", "onWait"];
const TIMES = ["timeoutMs", "maxWaitMs", "unreadMs", "maxPauseMs"];
const OF_ROUTES = [...FUNCTIONS, ...TIMES, "provider", "metrics", "retry", "priority", "learn", "refused"];

export function checkFetchOptions<T extends object>(options: T): T {
  checkOptions(
    "limitFetch",
    options,
    [...OF_ROUTES, "routes", "fetch", "onWarning", "clock"],
    invalidRequest,
  );
  checkSurroundings(options, invalidRequest);
  return checkValues(options);
}

export function checkRoute<T extends object>(route: T): T {
  checkOptions("a route", route, ["limits", ...OF_ROUTES], invalidRequest);
  return checkValues(route);
}

function checkValues<T extends object>(options: T): T {
  const { retry = 0 } = options as RouteOptions;
  const check = checksOf({ ...options, ...retryOf(retry) }, invalidRequest);
  for (const name of [...FUNCTIONS, "fetch"]) check(name, isFunction, "a function");
  for (const name of [...TIMES, "baseMs", "maxMs"])
    check(name, isTime, "a number of milliseconds, 0 or more");
  check("metrics", isRenamed, "an object: names of the set, by those of the provider");
  check("routes", isObject, "an object: sets, or routes, by host");
  check("learn", isBoolean, "true or false");
  const isPriority = (value: unknown) => isFunction(value) || Number.isFinite(value);
  check("priority", isPriority, "a finite number, or a function");
  check("provider", isProvider, "a provider, such as openai() of limitset/llm");
  check("refused", (value) => value === "respond" || value === "throw", `"respond" or "throw"`);
  if (typeof retry === "object") checkOptions("retry", retry, ["times", "baseMs", "maxMs"], invalidRequest);
  const { times } = retryOf(retry);
  if (Number.isInteger(times) && times >= 0) return options;
  throw invalidRequest("retry", times, "a whole number, 0 or more");
}

export function isRenamed(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((name) => typeof name === "string");
}

export function retryOf(retry: number | FetchRetry = 0): Required<FetchRetry> {
  return { baseMs: 500, maxMs: 30_000, ...(typeof retry === "object" ? retry : { times: retry }) };
}

export function isProvider(value: unknown): value is Provider {
  return typeof (value as Provider | undefined)?.name === "string";
}

export function checkLimits(limits: unknown): Limits<never, never> {
  if (typeof (limits as Limits | undefined)?.acquire === "function") return limits as Limits<never, never>;
  throw new InvalidRequestError(`the limits must be a set, such as a LimitSet, got ${show(limits)}`);
}
