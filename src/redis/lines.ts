/**
 * The lines of one process in front of a server, whose answers come later than the questions: which waiters the next batch asks for.
 *
 * The rule is that of every set (see `src/waiting/lines.ts`): a line whose head is refused is parked at the limit that refuses it longest,
 * and those that are parked behind it there are refused too. So of the lines at a limit of which something may go, a batch asks for the
 * first few, and for more while they go; and of a line for the first, then for two, then for four.
 */
import type { Demand, Line, Standing as StandingIn } from "../waiting/line.ts";
import type { Place, Request } from "../waiting/standing.ts";
import { Walk } from "./walk.ts";
import { Wanted } from "./wanted.ts";

export type Standing<W extends Standing<W>> = StandingIn<W>;

/** Why the head of a line is refused. */
export interface Refusal {
  /** The limit that refuses it longest, by its index. */
  readonly at: number;
  /** When that could grant it, in milliseconds since the epoch; Infinity if time does not help. */
  readonly moment: number;
  /** How much may be wanted before it of a limit that could still grant it. */
  readonly room: number;
  /** Whether it is refused by a pause, which ends at the moment. */
  readonly isPaused: boolean;
}

/** After so many batches in which others go first, nested requests are asked for too. */
const MOST_PASSED = 8;

/** How many lines of a limit a batch asks for first. */
const FIRST_ASKED = 4;

export class Lines<W extends Standing<W>> extends Wanted<W> {
  /** The lines that the next batch asks for. */
  readonly #open = new Set<Line<W>>();
  /** Those whose heads have been refused at least once. */
  readonly #refused = new Set<Line<W>>();
  /** How many waiters of a line one batch may ask for, where that is bounded. */
  readonly #quotas = new Map<Line<W>, number>();
  /** The limits whose lines are asked for, one after the other; and how many at once. */
  readonly #going = new Map<Demand<W>, number>();
  /** Lines on their way that are asked for again, even if they are refused: the answer may be of before. */
  readonly #again = new Set<Line<W>>();
  /** When a nested request could go. Each of them is asked for whenever something has changed: it may pass all others. */
  #nestedMoment = Number.POSITIVE_INFINITY;
  #nestedAsked = -1;
  /** In how many batches, one after the other, they were not asked for because of others. */
  #nestedPassed = 0;

  /** Whether a line waits for something to change. */
  get hasRefused(): boolean {
    return this.#refused.size > 0;
  }

  /** The earliest moment at which a waiter could go that is not asked for, in milliseconds since the epoch. */
  get moment(): number {
    let moment = this.asides.first?.moment ?? Number.POSITIVE_INFINITY;
    if (!this.wards.stale) moment = Math.min(moment, this.wards.moment);
    if (this.nested > 0) moment = Math.min(moment, this.#nestedMoment);
    for (const demand of this.demands) if (!demand.isStale) moment = Math.min(moment, demand.moment);
    return moment;
  }

  stand(waiter: W): void {
    const line = this.add(waiter);
    if (line.head !== waiter) return;
    if (!line.parkedAt) this.#open.add(line);
    else if (line.place >= 0) {
      this.place(line, line.parkedAt, line.moment);
      if (!line.aside) this.#openUp(line);
    }
  }

  /** Takes a waiter out of its line, if it stands in one: because it was granted, or for another reason. */
  leave(waiter: W, isGranted = false): void {
    const { line } = waiter;
    if (!line) return;
    const wasHead = line.head === waiter;
    this.remove(waiter, line);
    if (!line.head) this.#forget(line);
    else if (wasHead && line.place >= 0) {
      this.place(line, line.parkedAt!, line.moment);
      this.disturb(line.parkedAt!);
    }
    if (isGranted && line.head && line.aside) this.comeBack(line.aside);
    // After a grant the demand is in use, and the verdict on others the same: but for those that had no moment because of it.
    for (const demand of line.demands) if (!isGranted || demand.parked.first?.isBlocked) this.disturb(demand);
  }

  /** A waiter has been refused, and stands in its line from now on. */
  park(waiter: W, { at, moment, room, isPaused }: Refusal): void {
    if (!waiter.line) this.stand(waiter);
    const line = waiter.line!;
    const head = line.head!;
    // Those behind the head of a line wait for that.
    if (head !== waiter && !line.isNested) return;
    this.#open.delete(line);
    this.#refused.add(line);
    if (line.isNested) {
      this.#nestedMoment = Math.min(this.#nestedMoment, moment);
      return;
    }
    if (isPaused) this.stepAside(line, at, moment);
    else if (line.aside) this.comeBack(line.aside);
    const demand = line.demandOf(at);
    const isBlocked = !line.aside && this.sumBefore(demand, head, room) > room;
    this.place(line, demand, isBlocked ? Number.POSITIVE_INFINITY : moment);
    line.isBlocked = isBlocked;
    // Those behind it are refused too.
    if (demand.parked.first === line) this.#going.delete(demand);
    if (this.#again.delete(line)) this.#openUp(line);
  }

  /** Whether the line of a request is parked, so that one who comes last is not asked for. */
  isParked(request: Request): boolean {
    const line = this.index.of(request);
    return line !== undefined && !this.#open.has(line);
  }

  /** A waiter of the line has been granted: the next batch may ask for twice as many. */
  granted(line: Line<W>): void {
    const quota = this.#quotas.get(line);
    if (quota !== undefined) this.#quotas.set(line, 2 * quota);
  }

  /** A request that was never in a line waits no more. */
  left({ units, place }: Request): void {
    for (let i = 0; i < units.length; i++) if (units[i]! > 0) this.cameBackOf(i, place?.wardOf(i));
  }

  /** Something came back of the limits for which `back` is below 0: in the partitions of a place, or in any. */
  cameBack(back: readonly number[], place?: Place): void {
    for (let i = 0; i < back.length; i++) if (back[i]! < 0) this.cameBackOf(i, place?.wardOf(i));
  }

  /** Something came back of a limit: in one of its partitions, or in any. */
  cameBackOf(index: number, ward?: string): void {
    this.#nestedAsked = -1;
    for (const demand of this.#demandsOf(index, ward)) this.disturb(demand);
  }

  /** A limit was paused, in one of its partitions or in any, or is not any more: all that want it are asked for. */
  review(index: number, ward?: string): void {
    for (const line of this.#linesAt(index, ward)) {
      if (line.aside) this.comeBack(line.aside);
      this.#askAgain(line);
    }
  }

  /** The limits with values from 0 on are paused until a moment: in the partitions of a place, or in any. */
  paused(values: readonly number[], moment: number, place?: Place): void {
    for (let i = 0; i < values.length; i++) {
      if (values[i]! < 0) continue;
      for (const line of this.#linesAt(i, place?.wardOf(i))) {
        if (line.isNested || (line.aside && line.aside.moment >= moment)) continue;
        this.stepAside(line, i, moment);
        if (line.place >= 0) this.place(line, line.demandOf(i), moment);
      }
    }
  }

  /** Any waiter may go now. */
  disturbAll(): void {
    this.#nestedAsked = -1;
    for (const line of this) {
      if (line.aside || line.place < 0) this.#askAgain(line);
      for (const demand of line.demands) this.disturb(demand);
    }
  }

  /** The waiters are asked for that could go by now. */
  wake(now: number): void {
    for (let next = this.asides.first; next && next.moment <= now; next = this.asides.first) {
      const { line } = next;
      this.comeBack(next);
      if (line.place >= 0) this.#openUp(line);
    }
    for (const demand of this.demands) if (demand.moment <= now) demand.isStale = true;
    this.wards.wake(now);
    if (this.#nestedMoment <= now) this.#nestedAsked = -1;
    if (this.#nestedAsked < 0) this.#nestedMoment = Number.POSITIVE_INFINITY;
  }

  /** Begins a walk through all waiters in order that the next batch asks for. */
  walk(): Walk<W> {
    this.#again.clear();
    for (const [demand, many] of [...this.#going]) this.#openFirst(demand, 2 * many);
    for (const demand of this.demands) {
      if (demand.isStale) this.#openFirst(demand, FIRST_ASKED);
      demand.isStale = false;
    }
    for (let demand = this.wards.stale; demand; demand = this.wards.stale) {
      this.#openFirst(demand, FIRST_ASKED);
      if (demand.parked.size > 0) this.wards.settle(demand);
    }
    // Those that stand before nested requests go first: they are asked for a few at once.
    if (this.nested > 0 && this.#nestedAsked !== this.changes && !this.#areNestedPassed()) {
      this.#nestedAsked = this.changes;
      this.#nestedMoment = Number.POSITIVE_INFINITY;
      for (const line of this.index.nested) this.#open.add(line);
    }
    return new Walk([...this.#open], (line) => this.#quotas.get(line) ?? Number.POSITIVE_INFINITY);
  }

  /** Those that stand before nested requests go first, and are asked for a few at once: so nested ones are asked for later, within bounds. */
  #areNestedPassed(): boolean {
    let isBehind = false;
    for (const line of this.#open) isBehind ||= this.#quotas.has(line);
    this.#nestedPassed = isBehind ? (this.#nestedPassed + 1) % MOST_PASSED : 0;
    return this.#nestedPassed > 0;
  }

  /** The demands of a limit, in one of its partitions or in all. */
  #demandsOf(index: number, ward: string | undefined): Iterable<Demand<W>> {
    const demand = this.demands[index]!;
    if (ward === undefined && (demand.lines > 0 || this.wards.isEmpty)) return [demand];
    if (ward === undefined) return Array.from(this.#linesAt(index), (line) => line.demandOf(index));
    const place = { keyOf: () => ward, isIn: () => true } as unknown as Place;
    const inside = this.wards.demandOf({ units: [], place }, index);
    return inside ? [inside] : [];
  }

  /** The lines that want a limit, in one of its partitions or in any. */
  *#linesAt(index: number, ward?: string): Generator<Line<W>> {
    for (const line of this) {
      const isMeant = (demand: Demand<W>) =>
        demand.limit === index && (ward === undefined || demand.ward?.key === ward);
      if (line.demands.some(isMeant)) yield line;
    }
  }

  /** Asks for a line in the next batch, and for one on its way once more. */
  #askAgain(line: Line<W>): void {
    if (line.place >= 0) this.#openUp(line);
    else if (line.isNested) this.#nestedAsked = -1;
    else this.#again.add(line);
  }

  /** Asks for the first lines that are parked at a limit; ends that where none are left. */
  #openFirst(demand: Demand<W>, many: number): void {
    this.#going.set(demand, many);
    for (let left = many; left > 0; left--) {
      const { first } = demand.parked;
      if (!first) {
        this.#going.delete(demand);
        return;
      }
      this.#openUp(first);
    }
  }

  #openUp(line: Line<W>): void {
    this.unpark(line);
    this.#open.add(line);
    // Of a line that has waited few will be granted.
    this.#quotas.set(line, 1);
  }

  protected override disturb(demand: Demand<W>): void {
    // A line on its way may still be parked there.
    if (!demand.ward || demand.parked.size === 0) demand.isStale = true;
    else this.wards.disturb(demand);
  }

  /** A line has ended. */
  #forget(line: Line<W>): void {
    this.#open.delete(line);
    this.#again.delete(line);
    this.#refused.delete(line);
    this.#quotas.delete(line);
    for (const demand of line.demands) if (demand.lines === 0) this.#going.delete(demand);
  }
}
