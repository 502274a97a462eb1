/** All lines of a set in one isolate, and how a request finds its line: by the limits that it wants, in the first of its partitions. */
import { type Demand, Line, type Name, type Standing, type Ward } from "./line.ts";
import { limitsOf, type Request } from "./standing.ts";
import type { Wards } from "./wards.ts";

/** A number tells so many limits apart. */
const MOST_NUMBERED = 52;

/** Names a combination of limits. */
function nameOf({ units, covered }: Request): Name {
  let bits = covered ? 1 : 0;
  for (let i = 0, bit = 2; i < units.length; i++, bit *= 2) {
    // More limits are told apart by a text.
    if (units[i]! > 0) bits += i < MOST_NUMBERED ? bit : (` ${i}` as never);
  }
  return bits;
}

export class LineIndex<W extends Standing<W>> {
  /** Those of nested requests. */
  readonly nested: Set<Line<W>> = new Set();
  /** Those without partitions: partitions have the others. */
  readonly #byName = new Map<Name, Line<W>>();
  readonly #demands: readonly Demand<W>[];
  readonly #wards: Wards<W>;
  /** The first partition of the request that was looked for last. */
  #home: Ward<W> | undefined;

  /** `demands`: for each limit, that of its one state. `wards`: those of partitions. */
  constructor(demands: readonly Demand<W>[], wards: Wards<W>) {
    this.#demands = demands;
    this.#wards = wards;
  }

  /** The lines there are now. */
  get all(): readonly Line<W>[] {
    const lines = [...this.#byName.values()];
    // A line of several partitions is in each of them.
    for (const ward of this.#wards) for (const line of ward.all) if (line.home === ward) lines.push(line);
    return lines;
  }

  /** The line of a request, if any waits there. */
  of(request: Request): Line<W> | undefined {
    const name = this.#seek(request);
    if (name === undefined) return undefined;
    return this.#home ? this.#home.lineOf(name) : this.#byName.get(name);
  }

  /** The same, made if need be: a waiter stands in it at once. */
  for(request: Request): Line<W> {
    let line = this.of(request);
    if (line) return line;
    const { units, covered } = request;
    const demands = limitsOf(units).map(
      (index) => this.#wards.demandFor(request, index) ?? this.#demands[index]!,
    );
    line = new Line<W>(this.#seek(request)!, covered !== undefined, demands);
    if (line.isNested) this.nested.add(line);
    if (!this.#home) this.#byName.set(line.name, line);
    for (const { ward } of demands) ward?.begin(line);
    return line;
  }

  /** Forgets a line without waiters, and the partitions for which no other waits. */
  end(line: Line<W>): void {
    this.nested.delete(line);
    if (!line.home) this.#byName.delete(line.name);
    for (const demand of line.demands) {
      const { ward } = demand;
      demand.lines--;
      if (ward && isFirstOf(ward, demand, line) && ward.end(line)) this.#wards.end(ward);
    }
  }

  /** Finds the first partition of a request, and what its line is called there. Undefined if none waits for one of the partitions. */
  #seek(request: Request): Name | undefined {
    const { units, place } = request;
    let name = nameOf(request);
    let last: Ward<W> | undefined;
    this.#home = undefined;
    for (let i = 0; place && i < units.length; i++) {
      if (units[i] === 0 || place.keyOf(i) === undefined) continue;
      const ward = this.#wards.find(place, i);
      if (!ward) return undefined;
      // In its only partition, the limits tell a line from others.
      if (last && last !== ward) name = `${name}:${last.id}:${ward.id}`;
      this.#home ??= ward;
      last = ward;
    }
    return name;
  }
}

/** Whether a demand is the first of those that a line has in a partition. */
export function isFirstOf<W extends Standing<W>>(
  ward: Ward<W>,
  demand: Demand<W>,
  { demands }: Line<W>,
): boolean {
  for (const each of demands) if (each.ward === ward) return each === demand;
  return false;
}
