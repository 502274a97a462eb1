/**
 * The partitions for which lines wait. Each has the demand of its limits to itself, and is kept for as long as a waiter wants it. There may
 * be as many as there are waiters, so that the next one to be judged is found by a heap.
 */
import { Heap } from "./heap.ts";
import { type Demand, type Standing, Ward } from "./line.ts";
import { isBefore, type Place, type Request, type WardKey } from "./standing.ts";

/** The set, as it is told which partitions are waited for: they keep their places. */
export interface Keeper {
  /** A first request waits for the partition that a place has of limit `index`. */
  waitedFor(place: Place, index: number): void;
  /** The last one waits no more. Returns whether waiters for other partitions may go now. */
  forsaken(place: Place, index: number): boolean;
}

export class Wards<W extends Standing<W>> {
  readonly #keeper: Keeper | undefined;
  /** Of those with the same key, the first. */
  readonly #byKey = new Map<WardKey, Ward<W>>();
  #made = 0;
  /** The demands at which lines are parked: those that are stale first, in the order of their lines, then by their moments. */
  readonly #agenda = new Heap<Demand<W>>(isSooner);

  constructor(keeper: Keeper | undefined) {
    this.#keeper = keeper;
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  *[Symbol.iterator](): Generator<Ward<W>> {
    for (const first of this.#byKey.values())
      for (let ward: Ward<W> | undefined = first; ward; ward = ward.next) yield ward;
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

  /** The partition that a place has of limit `index`; undefined if no waiter wants it, or there is none. */
  find(place: Place, index: number): Ward<W> | undefined {
    const key = place.keyOf(index);
    let ward = key === undefined ? undefined : this.#byKey.get(key);
    while (ward && !place.isIn(index, ward.where, ward.limit)) ward = ward.next;
    return ward;
  }

  /** The demand of limit `index` in the partition of a request; undefined if no waiter wants it. */
  demandOf({ place }: Request, index: number): Demand<W> | undefined {
    return place && this.find(place, index)?.demandOf(index);
  }

  /** The same, made if need be. */
  demandFor({ place }: Request, index: number): Demand<W> | undefined {
    const key = place?.keyOf(index);
    if (key === undefined) return undefined;
    let ward = this.find(place!, index);
    if (!ward) {
      ward = new Ward(key, place!, index, this.#made++);
      ward.next = this.#byKey.get(key);
      this.#byKey.set(key, ward);
      this.#keeper?.waitedFor(place!, index);
    }
    return ward.demandFor(index);
  }

  /** Forgets a partition for which no line waits any more. */
  end(ended: Ward<W>): void {
    const { key, next, where, limit } = ended;
    const first = this.#byKey.get(key)!;
    if (first !== ended) {
      let before = first;
      while (before.next !== ended) before = before.next!;
      before.next = next;
    } else if (next) this.#byKey.set(key, next);
    else this.#byKey.delete(key);
    if (!this.#keeper?.forsaken(where, limit)) return;
    this.#disturbAll();
  }

  /** Something came back of a limit: in the partition of a request, or in any. */
  cameBack(index: number, request: Request | undefined): void {
    const demand = request?.place && this.demandOf(request, index);
    if (demand) this.disturb(demand);
    else if (!request?.place) this.#disturbAll(index);
  }

  /** All partitions, or those of limit `index`, have to be judged anew. */
  #disturbAll(index?: number): void {
    for (const { demands } of this)
      for (const demand of demands) if ((index ?? demand.limit) === demand.limit) this.disturb(demand);
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
}

function isSooner<W extends Standing<W>>(a: Demand<W>, b: Demand<W>): boolean {
  if (a.isStale !== b.isStale) return a.isStale;
  if (a.isStale) return isBefore(a.first!.head!, b.first!.head!);
  return a.moment < b.moment;
}
