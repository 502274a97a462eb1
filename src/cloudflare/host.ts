/** The set that an object hosts: what is asked of it, who holds what of it and for how long. */
import { INTERNALS, type Internals, type OptionsWithRegion } from "../acquisition/internals.ts";
import type { Acquisition, Amounts } from "../contract.ts";
import type { Region } from "../core/region.ts";
import { AcquisitionReleasedError } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import type { Limit, LimitLike } from "../limits/limits.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { packError } from "../remote/packed-errors.ts";
import { settle } from "../remote/settling.ts";
import { Deadlines } from "../waiting/deadlines.ts";
import { Holding } from "./holding.ts";
import type { Ask, Facts, Informed, Inspected, Named, Outcome } from "./protocol.ts";
import { restore } from "./restore.ts";
import type { Contents, Shelf } from "./shelf.ts";
import { snapshotOf, versionOf } from "./snapshot.ts";

export interface HostOptions {
  readonly limits: readonly Limit[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaseMs: number;
  readonly clock: Clock;
}

export class Host {
  readonly facts: Facts;
  readonly #options: HostOptions;
  readonly #shelf: Shelf;
  readonly #region: Region;
  readonly #set: LimitSet<string>;
  readonly #internals: Internals<string>;
  readonly #holdings = new Map<string, Holding>();
  readonly #deadlines = new Deadlines<Holding>();
  /** The version of the state that was written last. */
  #written: bigint | undefined;
  #isArmed: boolean;

  /** Takes up what is kept. */
  constructor(options: HostOptions, shelf: Shelf, kept: Contents) {
    const { limits, config, missingUpdate, leaseMs, clock } = options;
    this.#options = options;
    this.#shelf = shelf;
    const plain = limits.map((limit) => ({ ...limit }));
    this.facts = { seal: crypto.randomUUID(), limits: plain, config, missingUpdate, leaseMs };
    const { region, held, isNew } = restore(limits, kept, clock.now());
    this.#region = region;
    const likes = limits as readonly LimitLike[];
    const hosted: OptionsWithRegion<string> = {
      limits: likes,
      config,
      clock,
      shared: false,
      [INTERNALS]: region,
    };
    this.#set = new LimitSet<string>(hosted);
    this.#internals = this.#set[INTERNALS]();
    this.#isArmed = kept.alarm !== null;
    for (const [id, each] of held) {
      const holding = new Holding(id, undefined);
      holding.outcome = Promise.resolve({ kind: "granted", units: each.units });
      this.#hold(holding, this.#internals.grantAgain({ ...each, token: each.takenAt }), each.until);
      if (isNew) shelf.putHeld(id, each);
    }
    this.#written = isNew ? undefined : versionOf(region);
    if (isNew && kept.definition) this.#commit();
    else if (held.size > 0) this.#arm();
  }

  /** A request, or one that was made before and is asked again: then it is the owner's from now on. */
  enter(ask: Ask, owner: object): Promise<Outcome> {
    this.#sweep();
    let holding = this.#holdings.get(ask.id);
    if (holding) {
      holding.owner = owner;
      if (holding.held) {
        this.#extend(holding);
        this.#commit();
      }
    } else {
      holding = new Holding(ask.id, owner);
      this.#holdings.set(ask.id, holding);
      holding.outcome = this.#serve(holding, ask);
    }
    return holding.outcome.then((outcome) => this.inform(outcome, ask.seal));
  }

  /** The owner of a request has vanished, or is done with it. */
  abandon(id: string, owner: object): void {
    const holding = this.#holdings.get(id);
    if (!holding || holding.owner !== owner) return;
    if (holding.held) this.#end(holding, {});
    else holding.controller.abort();
    this.#commit();
  }

  /** Takes a request out of the line that does not hold anything yet. */
  cancel(id: string): void {
    this.#holdings.get(id)?.controller.abort();
  }

  release(id: string, usage: Named): void {
    const holding = this.#holdings.get(id);
    if (holding?.held) this.#end(holding, usage);
    else holding?.controller.abort();
    this.#sweep();
    this.#commit();
  }

  /** Its holder lives; false if it holds nothing. */
  renew(id: string): boolean {
    this.#sweep();
    const holding = this.#holdings.get(id);
    if (!holding?.held) return false;
    this.#extend(holding);
    this.#commit();
    return true;
  }

  stats(seal: string): Inspected {
    this.#sweep();
    return this.inform<Inspected>({ kind: "stats", stats: this.#set.stats() }, seal);
  }

  /** The alarm has gone off: whoever was not heard of gives back; another is set if anybody holds anything still. */
  alarm(): void {
    this.#isArmed = false;
    this.#sweep();
    this.#arm();
    this.#commit();
  }

  /** Adds the facts to what a client is told, if it does not know them. */
  inform<T extends Informed>(told: T, seal: string): T {
    return seal === this.facts.seal ? told : { ...told, facts: this.facts };
  }

  async #serve(holding: Holding, ask: Ask): Promise<Outcome> {
    const { signal } = holding.controller;
    let acquisition: Acquisition;
    try {
      acquisition = await this.#acquire(ask, signal);
    } catch (error) {
      this.#holdings.delete(holding.id);
      if (signal.aborted && error === signal.reason) return { kind: "left" };
      return { kind: "failed", error: packError(error) };
    }
    if (!acquisition.successful) {
      this.#holdings.delete(holding.id);
      const { retryAfterMs, limitedBy } = acquisition;
      return { kind: "refused", retryAfterMs, limitedBy };
    }
    const { units, token, covered } = this.#internals.recordOf(acquisition);
    if (signal.aborted) {
      // Between its turn and now: as if nothing of it had been used.
      this.#holdings.delete(holding.id);
      settle(acquisition, unused(acquisition.requested));
      this.#commit();
      return { kind: "left" };
    }
    if (units.some((count) => count > 0)) {
      const until = this.#options.clock.now() + this.#options.leaseMs;
      this.#hold(holding, acquisition, until);
      this.#shelf.putHeld(holding.id, { units, takenAt: token, covered, until });
      this.#commit();
    } else {
      this.#holdings.delete(holding.id);
    }
    return { kind: "granted", units };
  }

  async #acquire({ waits, requested, timeoutMs, around }: Ask, signal: AbortSignal): Promise<Acquisition> {
    const amounts = requested as Amounts | undefined;
    if (!waits) return this.#set.tryAcquire(amounts);
    const limits = around === undefined ? this.#set : this.#holdings.get(around)?.held;
    if (!limits) throw new AcquisitionReleasedError("acquire()", "released");
    return limits.acquire(amounts, { timeoutMs, signal });
  }

  #hold(holding: Holding, held: Acquisition, until: number): void {
    holding.held = held;
    holding.deadline = until;
    this.#holdings.set(holding.id, holding);
    this.#deadlines.add(holding);
  }

  #extend(holding: Holding): void {
    const until = this.#options.clock.now() + this.#options.leaseMs;
    this.#deadlines.remove(holding);
    holding.deadline = until;
    this.#deadlines.add(holding);
    const { units, token, covered } = this.#internals.recordOf(holding.held!);
    this.#shelf.putHeld(holding.id, { units, takenAt: token, covered, until });
  }

  #end(holding: Holding, usage: Named): void {
    this.#holdings.delete(holding.id);
    this.#deadlines.remove(holding);
    this.#shelf.deleteHeld(holding.id);
    settle(holding.held!, usage as Record<string, number>);
  }

  /** Ends what was not heard of for too long. */
  #sweep(): void {
    const first = this.#deadlines.first;
    if (!first) return;
    const now = this.#options.clock.now();
    if (first.deadline > now) return;
    for (let late = this.#deadlines.first; late && late.deadline <= now; late = this.#deadlines.first) {
      this.#end(late, {});
    }
    this.#commit();
  }

  /** Sets the alarm for the first who may not be heard of, unless one is set: most are released before. */
  #arm(): void {
    const first = this.#deadlines.first;
    if (!first || this.#isArmed) return;
    this.#isArmed = true;
    const inMs = Math.max(0, first.deadline - this.#options.clock.now());
    this.#shelf.setAlarm(systemClock.now() + Math.min(inMs, FARTHEST_MS));
  }

  /** Writes what has changed. Nothing is answered before that. */
  #commit(): void {
    const version = versionOf(this.#region);
    if (version !== this.#written) {
      if (this.#written === undefined) this.#shelf.define(this.#options.limits);
      this.#written = version;
      this.#shelf.putState(snapshotOf(this.#region));
    }
    this.#shelf.flush();
    this.#arm();
  }
}

// What an alarm may be set to, at most.
const FARTHEST_MS = 365 * 86_400_000;

/** Usage of nothing of what was taken. */
function unused(requested: Readonly<Partial<Record<string, number>>>): Record<string, number> {
  return Object.fromEntries(Object.keys(requested).map((key) => [key, 0]));
}
