/**
 * The partitions for which lines wait. Each has the demand of its limits to itself, and is kept for as long as a waiter wants it. There may
 * be as many as there are waiters, so that the next one to be judged is found by a heap.
 */
import { Heap } from "./heap.ts";
import { Demand, type Standing, Ward } from "./line.ts";
import { isBefore, type Place, type Request } from "./standing.ts";

/** The set, as it is told which partitions are waited for: they keep their places. */
export interface Keeper {
  /** A first request waits for the partition that a place has of limit `index`. */
  waitedFor(place: Place, index: number): void;
  /** The last one waits no more. Returns whether waiters for other partitions may go now. */
  forsaken(place: Place, index: number): boolean;
}

export class Wards<W extends Standing<W>> {
  readonly #keeper: Keeper | undefined;
  readonly #byName = new Map<string, Ward<W>>();
  /** The demands at which lines are parked: those that are stale first, in the order of their lines, then by their moments. */
  readonly #agenda = new Heap<Demand<W>>(isSooner);

  constructor(keeper: Keeper | undefined) {
    this.#keeper = keeper;
  }

  get isEmpty(): boolean {
    return this.#byName.size === 0;
  }

  /** The first demand that is stale; undefined if none is. */
  get stale(): Demand<W> | undefined {
    const { first } = this.#agenda;
    return first?.isStale ? first : undefined;
  }

  /** The earliest moment of all demands. */
  get moment(): number {
    return this.#agenda.first?.moment ?? Number.POSITIVE_INFINITY;
  }

  /** The demand of limit `index` in the partition of a request; undefined if no waiter wants it. */
  demandOf({ place }: Request, index: number): Demand<W> | undefined {
    const name = place?.wards[index];
    return name === undefined ? undefined : this.#byName.get(name)?.demandOf(index);
  }

  /** The same, made if need be. */
  demandFor({ place }: Request, index: number): Demand<W> | undefined {
    const name = place?.wards[index];
    if (name === undefined) return undefined;
    let ward = this.#byName.get(name);
    if (!ward) {
      ward = new Ward(name, place!, index);
      this.#byName.set(name, ward);
      this.#keeper?.waitedFor(place!, index);
    }
    let demand = ward.demandOf(index);
    if (!demand) {
      demand = new Demand<W>(index, ward);
      ward.demands.push(demand);
    }
    return demand;
  }

  /** Forgets a demand that no line wants any more. */
  end(demand: Demand<W>): void {
    const { demands, name, place } = demand.ward!;
    if (demands.length > 1) demands.splice(demands.indexOf(demand), 1);
    else {
      this.#byName.delete(name);
      if (!this.#keeper?.forsaken(place, demand.limit)) return;
      for (const ward of this.#byName.values()) for (const each of ward.demands) this.disturb(each);
    }
  }

  /** Something came back of a limit: in the partition of a request, or in any. */
  cameBack(index: number, request: Request | undefined): void {
    const demand = request?.place && this.demandOf(request, index);
    if (demand) this.disturb(demand);
    else if (!request?.place)
      for (const { demands } of this.#byName.values()) this.#disturbAll(demands, index);
  }

  /** The line on top of a demand has to be judged anew. */
  disturb(demand: Demand<W>): void {
    if (demand.isStale) return;
    demand.isStale = true;
    this.moved(demand);
  }

  /** The line on top of a demand has been judged, and stays. */
  settle(demand: Demand<W>): void {
    demand.isStale = false;
    this.moved(demand);
  }

  /** The demands whose moment has come are stale. */
  wake(now: number): void {
    const due: Demand<W>[] = [];
    for (;;) {
      const { first } = this.#agenda;
      if (!first || (!first.isStale && first.moment > now)) break;
      // Taken out, so that the next one is on top.
      this.#agenda.remove(first);
      due.push(first);
    }
    for (const demand of due) {
      demand.isStale = true;
      this.#agenda.add(demand);
    }
  }

  /** The lines that are parked at a demand, or the moment of the first of them, are others than before. */
  moved(demand: Demand<W>): void {
    if (!demand.first) {
      demand.isStale = false;
      this.#agenda.remove(demand);
    } else if (demand.place < 0) this.#agenda.add(demand);
    else this.#agenda.moved(demand);
  }

  #disturbAll(demands: readonly Demand<W>[], index: number): void {
    for (const demand of demands) if (demand.limit === index) this.disturb(demand);
  }
}

function isSooner<W extends Standing<W>>(a: Demand<W>, b: Demand<W>): boolean {
  if (a.isStale !== b.isStale) return a.isStale;
  if (a.isStale) return isBefore(a.first!.head!, b.first!.head!);
  return a.moment < b.moment;
}
