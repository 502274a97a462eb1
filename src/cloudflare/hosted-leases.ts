/** The leases of a host's grants: a grant is stored for as long as it has one. */
import type { Acquisition } from "../contract.ts";
import { systemClock } from "../platform/clock.ts";
import type { SetClock } from "../platform/set-clock.ts";
import { settle } from "../remote/settling.ts";
import { Deadlines } from "../waiting/deadlines.ts";
import { storedNames } from "./hosted-names.ts";
import type { HostedRequest } from "./hosted-request.ts";
import { eraOf, type HostedSet } from "./hosted-set.ts";
import type { AmountsByKey } from "./protocol.ts";
import type { SetStorage } from "./set-storage.ts";

export class HostedLeases {
  /** The requests that wait or hold something, by their ids. */
  readonly requests = new Map<string, HostedRequest>();
  readonly #leaseMs: number;
  readonly #clock: SetClock;
  readonly #storage: SetStorage;
  readonly #hosted: HostedSet;
  /** The granted requests, by the ends of their leases. */
  readonly #deadlines = new Deadlines<HostedRequest>();
  #hasAlarm: boolean;

  /** `alarm` is when the object's alarm goes off, if one is set. */
  constructor(
    leaseMs: number,
    clock: SetClock,
    storage: SetStorage,
    hosted: HostedSet,
    alarm: number | null,
  ) {
    this.#leaseMs = leaseMs;
    this.#clock = clock;
    this.#storage = storage;
    this.#hosted = hosted;
    this.#hasAlarm = alarm !== null && alarm <= systemClock.now() + leaseMs;
  }

  /** Starts or renews the lease of a granted request. */
  start(request: HostedRequest, acquisition: Acquisition): void {
    const until = this.#clock.now() + this.#leaseMs;
    this.hold(request, acquisition, until);
    const { units, token, covered, names } = this.#hosted.internals.recordOf(acquisition);
    const { naming } = request;
    const era = eraOf(acquisition);
    const more = {
      ...(era.number > 0 && { era: era.number }),
      ...(naming && { at: storedNames(naming, era, names?.shared ?? 0) }),
    };
    this.#storage.putGrant(request.id, { units, takenAt: token, covered, until, ...more });
  }

  hold(request: HostedRequest, acquisition: Acquisition, until: number): void {
    this.requests.set(request.id, request);
    this.#deadlines.remove(request);
    request.acquisition = acquisition;
    request.deadline = until;
    this.#deadlines.add(request);
  }

  end(request: HostedRequest, acquisition: Acquisition, usage: AmountsByKey): void {
    this.requests.delete(request.id);
    this.#deadlines.remove(request);
    this.#storage.deleteGrant(request.id);
    this.#hosted.open(request.naming);
    settle(acquisition, usage as Record<string, number>);
  }

  /** Ends the requests whose leases have lapsed. Returns whether there were any. */
  endLapsed(): boolean {
    const { first } = this.#deadlines;
    if (!first) return false;
    const now = this.#clock.now();
    if (first.deadline > now) return false;
    for (let lapsed = this.#deadlines.first; lapsed && lapsed.deadline <= now; lapsed = this.#deadlines.first)
      this.end(lapsed, lapsed.acquisition!, {});
    return true;
  }

  /** The object's alarm has gone off. */
  alarm(): void {
    this.#hasAlarm = false;
  }

  /**
   * Sets the alarm for the end of the first lease, unless an alarm is set. An alarm stays set when its lease is released, as most
   * leases are: to set it anew for each of them would cost a write.
   */
  ensureAlarm(): void {
    const { first } = this.#deadlines;
    if (!first || this.#hasAlarm) return;
    this.#hasAlarm = true;
    const inMs = Math.max(0, first.deadline - this.#clock.now());
    this.#storage.setAlarm(systemClock.now() + Math.min(inMs, FARTHEST_ALARM_MS));
  }
}

const FARTHEST_ALARM_MS = 365 * 86_400_000;
