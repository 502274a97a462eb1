/**
 * This folder has the answers to requests. This file has both kinds: grants, which are settled at their release, and the refusals of
 * tries.
 */

import type { AcquireOptions, Acquisition, Amounts, Awaitable } from "../contract.ts";
import type { Names } from "../core/names.ts";
import { AcquisitionReleasedError, UsageNotReportedError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import { ERA } from "../limits/living.ts";
import { checkBody } from "../limits/options.ts";
import type { Requests } from "../limits/requests.ts";
import { SHOWN, type ShownWith, shownAcquisition } from "../limits/shown.ts";
import { reasonOf } from "../platform/aborted.ts";
import { asyncDispose, dispose } from "../platform/dispose.ts";
import { type Held, runBody } from "./bodies.ts";
import type { LeakWatch, Marker } from "./leaks.ts";

/** A backend as its grants see it. */
export interface Granter<M extends string, K extends string = M> {
  readonly requests: Requests<M, K>;
  readonly era?: Era<M, K>;
  /** The era of the set, where that of the granter is one of a view. */
  readonly setEra?: Era<M, K> | undefined;
  readonly config: Readonly<Record<string, unknown>>;
  /** The option of the set: whether a release throws where the usage of a RateLimit is missing. */
  readonly missingUpdate: "throw" | "charge";
  /** The partitions from which the grants have taken; undefined where no view has named any. */
  readonly names?: Names | undefined;
  /** Notices grants that are dropped without a release; undefined where no grant holds a resource. */
  readonly leaks: LeakWatch | undefined;
  /** Whether the set is closed: its grants then hold nothing any more. */
  readonly closed: boolean;
  /**
   * Settles the acquisition `token`, with the units that it has `taken` and those that it reported as `used`, one entry for each
   * limit. Returns whether the usage of a RateLimit is missing.
   */
  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean;
  /** What a body holds that has these units; left out where the requests and the units stay the same. */
  present?(units: readonly number[]): Held;
  /** Acquires on top of the acquisition `token`, which holds the `covered` limits. */
  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
    token: number,
  ): Promise<Acquisition<M, K>>;
}

/** Stands in place of the usage of an acquisition that is released. */
const RELEASED: readonly number[] = [];
const NOTHING: readonly never[] = /* @__PURE__ */ Object.freeze([]);

/** The data of a grant: a backend that keeps them elsewhere can make the grant again. */
export interface GrantRecord {
  readonly units: readonly number[];
  readonly token: number;
  readonly covered: readonly boolean[] | undefined;
  readonly names?: Names | undefined;
}

export class Grant<M extends string, K extends string = M> implements Acquisition<M, K> {
  private readonly granter: Granter<M, K>;
  private readonly units: readonly number[];
  /** The number by which the granter knows the acquisition again. */
  private readonly token: number;
  /** The limits that the acquisitions around this one hold. */
  protected covered: readonly boolean[] | undefined = undefined;
  waitedMs = 0;
  private usage: readonly number[] | undefined = undefined;
  private marker: Marker | undefined = undefined;

  /** Reads the data of a grant, which no other code can read. */
  static recordOf<M extends string, K extends string>({
    units,
    token,
    covered,
    granter,
  }: Grant<M, K>): GrantRecord {
    return { units, token, covered, names: granter.names };
  }

  /** A grant with all of its data. */
  static of<M extends string, K extends string>(
    granter: Granter<M, K>,
    units: readonly number[],
    token: number,
    covered: readonly boolean[] | undefined,
    waitedMs: number,
  ): Grant<M, K> {
    const grant = new Grant(granter, units, token);
    grant.covered = covered;
    grant.waitedMs = waitedMs;
    return grant;
  }

  /** Calls the body of a `run`, which has the grant. */
  static runBodyOf<M extends string, K extends string, T>(grant: Grant<M, K>, body: () => T): T {
    return grant.granter.requests.takesResources(grant.units)
      ? runBody(() => (grant.usage === RELEASED ? undefined : Grant.heldBy(grant)), body)
      : body();
  }

  /** The units of a grant, and the requests to which they belong. */
  private static heldBy<M extends string, K extends string>({ granter, units }: Grant<M, K>): Held {
    return granter.present?.(units) ?? [granter.requests, units];
  }

  /** The grant of a request that was alone and has not waited. It has few parameters, since engines inline by size. */
  constructor(
    granter: Granter<M, K>,
    units: readonly number[],
    token: number,
    watched: { readonly leaks: LeakWatch | undefined } = granter,
  ) {
    this.granter = granter;
    this.units = units;
    this.token = token;
    const leaks = watched.leaks;
    if (leaks !== undefined) this.marker = leaks.mark(units, token, granter);
  }

  /** @internal Vue makes no proxy of it, nor of its parts: private members cannot be read through a proxy. */
  get __v_skip(): boolean {
    return true;
  }

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownAcquisition(this, args);
  }

  /** @internal The era under which it was granted, where the backend has eras. */
  get [ERA](): Era | undefined {
    const { era, setEra = era } = this.granter;
    return setEra as Era | undefined;
  }

  get successful(): boolean {
    return true;
  }

  get requested(): Record<M, number> {
    return this.granter.requests.amounts(this.units);
  }

  get retryAfterMs(): number {
    return 0;
  }

  get limitedBy(): readonly K[] {
    return NOTHING;
  }

  get ahead(): number {
    return 0;
  }

  get config(): Record<string, unknown> {
    return { ...this.granter.config };
  }

  update(usage: Amounts<M>): void {
    if (this.usage === RELEASED) throw new AcquisitionReleasedError("update()", "released");
    this.usage = this.granter.requests.parseUsage(usage, this.units, this.usage);
  }

  async acquire(requested?: Amounts<M>, options?: AcquireOptions): Promise<Acquisition<M, K>> {
    if (this.usage === RELEASED) throw new AcquisitionReleasedError("acquire()", "released");
    const covered = this.units.map((units, i) => units > 0 || this.covered?.[i] === true);
    return this.granter.acquireNested(requested, options, covered, this.token);
  }

  release(): void {
    const usage = this.usage;
    if (usage === RELEASED) return;
    this.usage = RELEASED;
    const granter = this.granter;
    const marker = this.marker;
    if (marker !== undefined) {
      this.marker = undefined;
      granter.leaks!.unmark(marker);
    }
    const isMissing = granter.settle(this.token, this.units, usage);
    if (isMissing && granter.missingUpdate === "throw" && !granter.closed) {
      throw new UsageNotReportedError(granter.requests.unreported(this.units, usage));
    }
  }

  [dispose](): void {
    this.release();
  }

  async [asyncDispose](): Promise<void> {
    this.release();
  }
}

/** Releases an acquisition of which nothing was used. */
export function releaseUnused<M extends string>(acquisition: Acquisition<M>): void {
  for (const key in acquisition.requested) {
    try {
      acquisition.update({ [key]: 0 } as Amounts<M>);
    } catch {
      // A resource has no usage: it comes back by the release.
    }
  }
  acquisition.release();
}

/** The part that refusals by the same limits share. */
export interface Denial<K extends string> {
  readonly config: Readonly<Record<string, unknown>>;
  readonly limitedBy: readonly K[];
}

/** The answer to a try that was refused. It holds nothing, and its methods change nothing. */
export class Refusal<M extends string, K extends string = M> implements Acquisition<M, K> {
  private readonly denial: Denial<K>;
  readonly retryAfterMs: number;
  readonly ahead: number;

  constructor(denial: Denial<K>, retryAfterMs: number, ahead = 0) {
    this.denial = denial;
    this.retryAfterMs = retryAfterMs;
    this.ahead = ahead;
  }

  /** @internal */
  [SHOWN](...args: ShownWith): unknown {
    return shownAcquisition(this, args);
  }

  get waitedMs(): number {
    return 0;
  }

  get successful(): boolean {
    return false;
  }

  get requested(): Partial<Record<M, number>> {
    return {};
  }

  get limitedBy(): readonly K[] {
    return this.denial.limitedBy;
  }

  get config(): Record<string, unknown> {
    return { ...this.denial.config };
  }

  update(): void {}

  async acquire(): Promise<Acquisition<M, K>> {
    throw new AcquisitionReleasedError("acquire()", "refused");
  }

  release(): void {}

  [dispose](): void {}

  async [asyncDispose](): Promise<void> {}
}

/** Does what `run` of a set does: acquires, and runs `body` with the acquisition. */
export async function runOn<M extends string, K extends string, A extends Acquisition<M, K>, T>(
  limits: { acquire(requested: Amounts<M> | undefined, options: AcquireOptions | undefined): Promise<A> },
  requested: Amounts<M> | undefined,
  body: (acquisition: A) => Awaitable<T>,
  options: AcquireOptions | undefined,
): Promise<T> {
  checkBody(body);
  const acquisition = await limits.acquire(requested, options);
  return runWith(acquisition, () => body(acquisition), options?.signal);
}

/**
 * Runs `body` with an acquisition, and releases it. An error of the body wins over one of the release. If `signal` has aborted since
 * the grant, the body does not run, and everything goes back. `inner` is the set's own acquisition, if `acquisition` wraps it.
 */
export async function runWith<M extends string, K extends string, T>(
  acquisition: Acquisition<M, K>,
  body: (acquisition: Acquisition<M, K>) => Awaitable<T>,
  signal: AbortSignal | undefined,
  inner: Acquisition<M, K> = acquisition,
): Promise<T> {
  if (signal?.aborted) {
    releaseUnused(acquisition);
    throw reasonOf(signal);
  }
  let result: T;
  try {
    const call = () => body(acquisition);
    result = await (inner instanceof Grant ? Grant.runBodyOf(inner as Grant<string>, call) : call());
  } catch (error) {
    try {
      acquisition.release();
    } catch {
      // The body's own error is the reason that usage is missing.
    }
    throw error;
  }
  acquisition.release();
  return result;
}
