/** The host of a set: answers requests, keeps grants under their leases, and writes each change to the object's storage. */
import { releaseUnused } from "../acquisition/acquisition.ts";
import type { Acquisition, Amounts } from "../contract.ts";
import { AcquisitionReleasedError } from "../errors.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { SetClock } from "../platform/set-clock.ts";
import { performChange, type SentChange } from "../remote/changes.ts";
import { packError } from "../remote/packed-errors.ts";
import { settle } from "../remote/settling.ts";
import { Deadlines } from "../waiting/deadlines.ts";
import { HostedRequest } from "./hosted-request.ts";
import { eraOf, HostedSet, type HostedSetOptions } from "./hosted-set.ts";
import type {
  AmountsByKey,
  Changed,
  Failed,
  Foreseen,
  Inspected,
  Outcome,
  SentLimits,
  SentRequest,
  SetDescription,
} from "./protocol.ts";
import type { SetStorage, StoredSet } from "./set-storage.ts";

export interface HostOptions extends HostedSetOptions {
  readonly clock: Clock;
}

export class Host {
  readonly #leaseMs: number;
  readonly #clock: SetClock;
  readonly #storage: SetStorage;
  readonly #hosted: HostedSet;
  /** The requests that wait or hold something, by their ids. */
  readonly #requests = new Map<string, HostedRequest>();
  /** The granted requests, by the ends of their leases. */
  readonly #leases = new Deadlines<HostedRequest>();
  /** The ids of the latest changes. */
  #changes: readonly string[];
  #hasAlarm: boolean;

  /** Goes on from the `stored` set. */
  constructor(options: HostOptions, storage: SetStorage, stored: StoredSet) {
    const { leaseMs } = options;
    const clock = new SetClock(options.clock);
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#storage = storage;
    const hosted = new HostedSet(options, clock, storage, stored);
    this.#hosted = hosted;
    // If the clock was ahead when a lease was stored, the lease would end too late.
    const latest = clock.now() + leaseMs;
    this.#changes = stored.changes;
    this.#hasAlarm = stored.alarm !== null && stored.alarm <= systemClock.now() + leaseMs;
    for (const [id, { grant, era }] of hosted.grants) {
      const request = new HostedRequest(id, undefined);
      request.era = era;
      request.outcome = Promise.resolve({ kind: "granted", units: grant.units });
      const acquisition = hosted.internals.grantAgain({ ...grant, token: grant.takenAt }, era);
      this.#hold(request, acquisition, Math.min(grant.until, latest));
      if (hosted.isUnwritten) storage.putGrant(id, grant);
    }
    hosted.declare(this.#usedEras);
    if (hosted.isUnwritten && stored.definition) this.#write();
    else if (hosted.grants.size > 0) this.#ensureAlarm();
  }

  /** The description of the present era. */
  get description(): SetDescription {
    return this.#hosted.describe();
  }

  /**
   * Takes a request in. A request that the client sends again is not taken in twice: `owner` has it from now on, and gets the same
   * outcome.
   */
  enter(sent: SentRequest, owner: object): Promise<Outcome> {
    this.#endLapsed();
    let request = this.#requests.get(sent.id);
    if (request) {
      request.owner = owner;
      if (request.acquisition) {
        this.#lease(request, request.acquisition);
        this.#write();
      }
    } else {
      request = new HostedRequest(sent.id, owner, sent.era);
      this.#requests.set(sent.id, request);
      request.outcome = this.#decide(request, sent);
    }
    const { outcome } = request;
    return outcome.then((outcome) => this.#hosted.describeIn(outcome, sent.descriptionId, request.era));
  }

  /** Ends a request, because `owner` has disposed of it or has vanished. Does nothing if the request has another owner by now. */
  abandon(id: string, owner: object): void {
    const request = this.#requests.get(id);
    if (!request || request.owner !== owner) return;
    if (request.acquisition) this.#end(request, request.acquisition, {});
    else request.controller.abort();
    this.#write();
  }

  /** Takes a request out of its line. Does nothing to a request that is granted. */
  cancel(id: string): void {
    this.#requests.get(id)?.controller.abort();
  }

  /** Releases what a request holds. Takes it out of its line if it still waits. */
  release(id: string, usage: AmountsByKey): void {
    const request = this.#requests.get(id);
    if (request?.acquisition) this.#end(request, request.acquisition, usage);
    else request?.controller.abort();
    this.#endLapsed();
    this.#write();
  }

  /** Renews the lease of a request; false if the request holds nothing. */
  renew(id: string): boolean {
    this.#endLapsed();
    const request = this.#requests.get(id);
    if (!request?.acquisition) return false;
    this.#lease(request, request.acquisition);
    this.#write();
    return true;
  }

  stats(descriptionId: string): Inspected {
    this.#endLapsed();
    return this.#hosted.describeIn<Inspected>(
      { kind: "inspected", stats: this.#hosted.set.stats() },
      descriptionId,
    );
  }

  /** What a try would be answered now. */
  peek(requested: AmountsByKey | undefined, descriptionId: string): Foreseen | Failed {
    this.#endLapsed();
    let answer: Foreseen | Failed;
    try {
      answer = { kind: "foreseen", prospect: this.#hosted.set.peek(requested as Amounts | undefined) };
    } catch (error) {
      answer = { kind: "failed", error: packError(error) };
    }
    return this.#hosted.describeIn(answer, descriptionId);
  }

  /** Changes the limits, once for each id: the client sends a change again whose answer got lost. */
  change(id: string, change: SentChange, descriptionId: string): Changed | Failed {
    return this.#once(id, descriptionId, () => {
      performChange(this.#hosted.set, change);
      return true;
    });
  }

  /** Gives the set other limits, once for each id. */
  redefine(id: string, { of, limits, ...options }: SentLimits, descriptionId: string): Changed | Failed {
    return this.#once(id, descriptionId, () => {
      if (of !== undefined && of !== this.#hosted.era) return false;
      this.#hosted.redefine(limits, options, this.#usedEras);
      return true;
    });
  }

  /** The object's alarm has gone off: ends the leases that have lapsed, and sets the alarm for the next one. */
  alarm(): void {
    this.#hasAlarm = false;
    this.#endLapsed();
    this.#ensureAlarm();
    this.#write();
  }

  async #decide(request: HostedRequest, sent: SentRequest): Promise<Outcome> {
    const { signal } = request.controller;
    let acquisition: Acquisition;
    try {
      acquisition = await this.#acquire(sent, signal);
    } catch (error) {
      this.#requests.delete(request.id);
      if (signal.aborted && error === signal.reason) return { kind: "cancelled" };
      return { kind: "failed", error: packError(error) };
    }
    if (!acquisition.successful) {
      this.#requests.delete(request.id);
      const { retryAfterMs, limitedBy, ahead } = acquisition;
      return { kind: "refused", retryAfterMs, limitedBy, ...(ahead > 0 && { ahead }) };
    }
    if (signal.aborted) {
      // The client has cancelled between the grant and now. The request is settled as if nothing had been used.
      this.#requests.delete(request.id);
      releaseUnused(acquisition);
      this.#write();
      return { kind: "cancelled" };
    }
    const { units } = this.#hosted.internals.recordOf(acquisition);
    request.era = eraOf(acquisition);
    if (units.some((count) => count > 0)) {
      this.#lease(request, acquisition);
      this.#write();
    } else {
      this.#requests.delete(request.id);
    }
    const { waitedMs } = acquisition;
    return { kind: "granted", units, ...(waitedMs > 0 && { waitedMs }) };
  }

  async #acquire(sent: SentRequest, signal: AbortSignal): Promise<Acquisition> {
    const { waits, timeoutMs, priority, maxWaitMs, around } = sent;
    const amounts = this.#hosted.amountsOf(sent) as Amounts | undefined;
    if (!waits) return this.#hosted.set.tryAcquire(amounts);
    const limits = around === undefined ? this.#hosted.set : this.#requests.get(around)?.acquisition;
    if (!limits) throw new AcquisitionReleasedError("acquire()", "released");
    return limits.acquire(amounts, { timeoutMs, signal, priority, maxWaitMs });
  }

  /** Does the action, unless it was done under the same id. The action returns false if it has done nothing, since the set has another era. */
  #once(id: string, descriptionId: string, action: () => boolean): Changed | Failed {
    this.#endLapsed();
    let answer: Changed | Failed = { kind: "changed" };
    try {
      if (!this.#changes.includes(id)) {
        if (action()) {
          this.#changes = [...this.#changes, id].slice(-MOST_CHANGES);
          this.#storage.putChanges(this.#changes);
        } else {
          answer = { kind: "changed", isStale: true };
        }
      }
    } catch (error) {
      answer = { kind: "failed", error: packError(error) };
    }
    this.#write();
    return this.#hosted.describeIn<Changed | Failed>(answer, descriptionId);
  }

  /** The numbers of the eras that have grants or waiters. */
  get #usedEras(): ReadonlySet<number> {
    const requests = [...this.#requests.values()];
    return new Set(requests.map(({ asked, era }) => era?.number ?? asked ?? 0));
  }

  /** Starts or renews the lease of a granted request. */
  #lease(request: HostedRequest, acquisition: Acquisition): void {
    const until = this.#clock.now() + this.#leaseMs;
    this.#hold(request, acquisition, until);
    const { units, token, covered } = this.#hosted.internals.recordOf(acquisition);
    const { number } = eraOf(acquisition);
    const era = number > 0 && { era: number };
    this.#storage.putGrant(request.id, { units, takenAt: token, covered, until, ...era });
  }

  #hold(request: HostedRequest, acquisition: Acquisition, until: number): void {
    this.#requests.set(request.id, request);
    this.#leases.remove(request);
    request.acquisition = acquisition;
    request.deadline = until;
    this.#leases.add(request);
  }

  #end(request: HostedRequest, acquisition: Acquisition, usage: AmountsByKey): void {
    this.#requests.delete(request.id);
    this.#leases.remove(request);
    this.#storage.deleteGrant(request.id);
    settle(acquisition, usage as Record<string, number>);
  }

  /** Ends the requests whose leases have lapsed. */
  #endLapsed(): void {
    const first = this.#leases.first;
    if (!first) return;
    const now = this.#clock.now();
    if (first.deadline > now) return;
    for (let lapsed = this.#leases.first; lapsed && lapsed.deadline <= now; lapsed = this.#leases.first) {
      this.#end(lapsed, lapsed.acquisition!, {});
    }
    this.#write();
  }

  /**
   * Sets the alarm for the end of the first lease, unless an alarm is set. An alarm stays set when its lease is released, as most
   * leases are: to set it anew for each of them would cost a write.
   */
  #ensureAlarm(): void {
    const first = this.#leases.first;
    if (!first || this.#hasAlarm) return;
    this.#hasAlarm = true;
    const inMs = Math.max(0, first.deadline - this.#clock.now());
    this.#storage.setAlarm(systemClock.now() + Math.min(inMs, FARTHEST_ALARM_MS));
  }

  /** Writes all changes. Each answer that depends on them comes after it. */
  #write(): void {
    this.#hosted.write();
    this.#storage.flush();
    this.#ensureAlarm();
  }
}

// A client sends a change again within its deadline, a few seconds as a rule.
const MOST_CHANGES = 256;
const FARTHEST_ALARM_MS = 365 * 86_400_000;
