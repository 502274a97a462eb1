/** A set in this isolate, as its queue sees it: it takes for waiters, and tells what they wait for. */
import { TAKE } from "../../assembly/layout.ts";
import { type Answer, isGranted, isMoved, isReclaimed, REFUSED } from "../core/answer.ts";
import type { WakeWord } from "../core/sharing.ts";
import { PartitionsFullError } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";
import type { Clock } from "../platform/clock.ts";
import type { Asked, Outlook } from "../waiting/gate.ts";
import type { Request } from "../waiting/standing.ts";
import { deadlockOf } from "./bodies.ts";
import { Changes } from "./changes.ts";
import type { Place } from "./place.ts";

export abstract class LocalGate extends Changes {
  /** Whether waiters may await a state of which it does not show that they do. */
  private hasStrays = false;

  get clock(): Clock {
    return this.set.clock;
  }

  get wakeWord(): WakeWord | undefined {
    return this.region?.sharing?.wakeWord;
  }

  demandOf({ units, place }: Request): readonly number[] {
    const { shapers, shadows } = this.requestsIn(place);
    const differs = (index: number) => shapers.includes(index) || shadows.includes(index);
    // Of most sets it is the units themselves.
    if (!units.some((count, index) => count > 0 && differs(index))) return units;
    const region = this.open();
    // The core then has the definitions of the tier.
    if ((place as Place | undefined)?.isTiered) region.inspect(this.clock.now(), undefined, place!.names);
    return units.map((count, i) => (count > 0 && differs(i) ? region.demandOf(i, count) : count));
  }

  take(request: Request, demand: readonly number[] | undefined, now: number, since: number): Answer {
    const { units, covered, place } = request;
    const answer = this.open().takeSince(
      units,
      now,
      since,
      covered !== undefined,
      demand,
      TAKE,
      place?.names,
    );
    if (place && !isGranted(answer)) this.noteStray(place as Place);
    const isPast = isMoved(answer);
    if (!isPast && !isReclaimed(answer)) return answer;
    // The set ends or goes on a little later, since the queue is in the middle of serving.
    queueMicrotask(() => (isPast ? this.set.moved() : this.set.reclaimed()));
    return REFUSED;
  }

  probe({ units, place }: Request, demand: readonly number[] | undefined, now: number): Answer {
    return this.open().probe(units, now, demand, place?.names);
  }

  waitAt(index: number): number {
    return this.open().waitOf(index);
  }

  pausedFor(index: number, now: number): number {
    // Where there is no room for a name, its wait has no end that is known.
    return this.open().metFull ? 0 : this.open().pausedFor(index, now);
  }

  roomAt(index: number, { units, place }: Request): number {
    const requests = this.requestsIn(place);
    // A leaky bucket grants one request after the other.
    return requests.shapers.includes(index) ? 0 : requests.ceilingOf(index) - units[index]!;
  }

  isOverdrawn(index: number, total: number, now: number, { place }: Request): boolean {
    if (!this.requests.resources.includes(index)) return false;
    const region = this.open();
    region.inspect(now, undefined, place?.names);
    return region.usedOf(index) + total > this.requestsIn(place).ceilingOf(index);
  }

  waitedFor(place: Place | Request["place"], index: number, isSo: boolean): boolean {
    const dimension = (place as Place).ownDimension(index);
    const isPast = dimension >= 0 && this.region?.noteWaiting((place as Place).names, dimension, isSo);
    // What it has noted goes over to the next region, and ends once this thread has followed.
    if (isPast) queueMicrotask(() => this.set.moved());
    return this.hasStrays;
  }

  /** Notes whether a request that blocks this thread waits for the partitions of a place: they keep theirs then. */
  keepPlaces(units: readonly number[], place: Place | undefined, isSo: boolean): void {
    const { lines } = this.set;
    units.forEach((count, index) => {
      if (count === 0 || place?.keyOf(index) === undefined) return;
      // Others in this thread may wait for it too.
      const isWanted = units.some(
        (_, i) => place.isIn(i, place, index) && lines.waitingFor(i, { units, place }) > 0,
      );
      if (!isWanted) this.waitedFor(place, index, isSo);
    });
  }

  /** Whether a limit refuses without an end that is known, though no release is awaited. */
  protected isPausedForGood({ limitedBy }: Outlook, { request, demand }: Asked, now: number): boolean {
    const region = this.open();
    const isEndless = limitedBy.map((index) => region.waitOf(index) === Number.POSITIVE_INFINITY);
    return limitedBy.some((index, i) => {
      const total = request.units[index]! + (demand?.[index] ?? 0);
      return isEndless[i] && !this.isOverdrawn(index, total, now, request);
    });
  }

  protected checkRoom(
    change: string,
    meant: (units: number) => boolean,
    units: readonly number[],
    now: number,
    place: Request["place"] & object,
  ): void {
    const region = this.open();
    const answer = region.inspect(now, undefined, place.names);
    // Then the change is not made either.
    if (isMoved(answer) || isReclaimed(answer) || region.metFull === 0) return;
    units.forEach((count, index) => {
      const dimension = meant(count) && (place as Place).dimensionAmong(index, region.metFull);
      if (dimension) throw new PartitionsFullError(dimension, this.requests.keys[index]!, change);
    });
  }

  begins(request: Request): void {
    const warning = deadlockOf(this.requests, this.requestsIn(request.place), request);
    if (warning) this.set.warn(warning);
  }

  standing(request: Request): Request {
    const place = request.place as Place | undefined;
    if (!place) return request;
    if (this.region?.metFull) this.hasStrays = true;
    const shared = this.region?.sharedTaken ?? 0;
    return shared > 0 ? { ...request, place: place.awaiting(shared) } : request;
  }

  protected requestsIn(place: Request["place"]): Requests<string> {
    return ((place as Place | undefined)?.requests ?? this.requests) as Requests<string>;
  }

  /**
   * Notes a waiter that was refused by a shared state, and does not stand where the others stand who await it; or for want of room, so that it
   * awaits the recovery of any partition.
   */
  private noteStray(place: Place): void {
    if (this.region?.metFull || place.awaiting(this.region?.sharedTaken ?? 0) !== place)
      this.hasStrays = true;
  }

  withdraw(since: number): void {
    this.region?.sharing?.withdraw(since);
  }

  /** What a settlement may have given back to: undefined for any partition. */
  protected servedBy(units: readonly number[], place: Place | undefined): Request | undefined {
    if (!place || this.hasStrays) {
      this.hasStrays = false;
      return undefined;
    }
    return { units, place };
  }
}
