import {
  type Acquisition,
  CallLimit,
  type Limits,
  RateLimit,
  RateLimitAlgorithm,
  ResourceLimit,
} from "../../src/index.ts";
import { START, type Subject } from "./harness.ts";

export const ALGORITHMS = Object.values(RateLimitAlgorithm);

interface RateExtras {
  algorithm?: RateLimitAlgorithm;
  unit?: number;
  burst?: number;
  overage?: "error" | "debt";
}

export function rate<K extends string>(
  key: K,
  capacity: number,
  windowMs: number,
  extras: RateExtras = {},
): RateLimit<K> {
  return new RateLimit({ key, capacity, windowMs, ...extras });
}

export function calls(capacity: number, windowMs: number): CallLimit {
  return new CallLimit({ capacity, windowMs });
}

/** A call limit with a key of its own. */
export function callsBy<K extends string>(
  key: K,
  capacity: number,
  windowMs: number,
  algorithm: RateLimitAlgorithm = "token-bucket",
): CallLimit<K> {
  return new CallLimit({ key, capacity, windowMs, algorithm });
}

/** A rate limit that counts `counts`. */
export function counting<K extends string, M extends string>(
  key: K,
  counts: M,
  capacity: number,
  windowMs: number,
  extras: RateExtras = {},
): RateLimit<K, M> {
  return new RateLimit({ key, counts, capacity, windowMs, ...extras });
}

export function resource<K extends string>(key: K, capacity: number): ResourceLimit<K> {
  return new ResourceLimit({ key, capacity });
}

/** Milliseconds rounded to the core's resolution, so that tables can be written in decimals. */
export function micro(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Milliseconds since START, an amount, and the verdict: granted, or the `retryAfterMs` of the refusal. */
export type Row = readonly [atMs: number, amount: number, verdict: "granted" | number];

/** Tries the requests of a table on the limit `x`. Resolves to the table with the verdicts that the limit gave. */
export async function play(subject: Subject<"x">, rows: readonly Row[]): Promise<Row[]> {
  const played: Row[] = [];
  for (const [atMs, amount] of rows) {
    await subject.clock.set(START + atMs);
    const acq = await subject.limits.tryAcquire({ x: amount });
    played.push([atMs, amount, acq.successful ? "granted" : micro(acq.retryAfterMs)]);
  }
  return played;
}

/** The error that `action` throws or rejects with. */
export async function failure(action: () => unknown): Promise<Error> {
  let result: unknown;
  try {
    result = await action();
  } catch (error) {
    if (error instanceof Error) return error;
    throw new TypeError(`not an Error: ${String(error)}`);
  }
  throw new TypeError(`no error, but ${String(result)}`);
}

/** A promise whose state can be read. */
export class Watched<T> {
  state: "pending" | "granted" | "rejected" = "pending";
  #value: T | undefined;
  #reason: unknown;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = "granted";
        this.#value = value;
      },
      (reason: unknown) => {
        this.state = "rejected";
        this.#reason = reason;
      },
    );
  }

  get value(): T {
    if (this.state !== "granted") throw new Error(`no value: ${this.state}`, { cause: this.#reason });
    return this.#value as T;
  }

  get reason(): unknown {
    if (this.state !== "rejected") throw new Error(`no reason: ${this.state}`);
    return this.#reason;
  }
}

export function watch<T>(promise: Promise<T>): Watched<T> {
  return new Watched(promise);
}

export function states(watched: readonly Watched<unknown>[]): string[] {
  return watched.map(({ state }) => state);
}

/** Takes without waiting; throws if refused. */
export async function take<K extends string>(
  limits: Limits<K>,
  requested?: Partial<Record<K, number>>,
): Promise<Acquisition<K>> {
  const acq = await limits.tryAcquire(requested);
  if (!acq.successful) throw new Error(`no room for ${JSON.stringify(requested)}`);
  return acq;
}

/** Amounts in use, by key. */
export async function used<K extends string>(limits: Limits<K>): Promise<Record<K, number>> {
  const stats = await limits.stats();
  const entries = Object.entries(stats) as [K, (typeof stats)[K]][];
  return Object.fromEntries(entries.map(([key, { used }]) => [key, micro(used)])) as Record<K, number>;
}
