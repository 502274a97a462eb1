import { describe, expect, test } from "vitest";
import { Demand, type Line, type Standing } from "../../src/waiting/line.ts";
import { LineIndex } from "../../src/waiting/line-index.ts";
import type { Place, Request } from "../../src/waiting/standing.ts";
import { Wards } from "../../src/waiting/wards.ts";

interface Waiter extends Standing<Waiter> {}

/** Of limits 1 and 2 it is in the partition `user`, of limit 3 in the partition `ip`. All partitions have the same key. */
class OneKey implements Place {
  declare readonly names: Place["names"];
  readonly #wards: readonly (string | undefined)[];

  constructor(user: string, ip: string) {
    this.#wards = [undefined, `user ${user}`, `user ${user}`, `ip ${ip}`];
  }

  wardOf(index: number): string | undefined {
    return this.#wards[index];
  }

  keyOf(index: number): number | undefined {
    return this.#wards[index] === undefined ? undefined : 0;
  }

  isIn(index: number, place: Place, at: number): boolean {
    return this.wardOf(index) === place.wardOf(at);
  }
}

const NAMES = ["a", "b", "c"];
const UNITS = [
  [1, 0, 0, 0],
  [1, 1, 0, 0],
  [1, 1, 1, 0],
  [0, 0, 1, 1],
  [0, 0, 0, 1],
];

describe("the lines of a set", () => {
  test.each([
    ["first to last", false],
    ["last to first", true],
  ])("are told apart where all partitions have the same key, and end %s", (_, isReversed) => {
    const wards = new Wards<Waiter>(undefined);
    const demands = UNITS[0]!.map((__, limit) => new Demand<Waiter>(limit));
    const index = new LineIndex<Waiter>(demands, wards);
    const request = (units: readonly number[], user: string, ip: string): Request => ({
      units,
      place: new OneKey(user, ip),
    });
    const all = UNITS.flatMap((units) =>
      NAMES.flatMap((user) => NAMES.map((ip) => ({ units, user, ip, ask: () => request(units, user, ip) }))),
    );
    const nameOf = ({ units, user, ip }: (typeof all)[number]) =>
      `${units} ${units[1]! + units[2]! > 0 ? user : ""} ${units[3]! > 0 ? ip : ""}`;
    const lines = new Map<string, Line<Waiter>>();
    for (const each of all) {
      const known = lines.get(nameOf(each));
      expect(index.of(each.ask())).toBe(known);
      const line = index.for(each.ask());
      if (known) expect(line).toBe(known);
      else for (const demand of line.demands) demand.lines++;
      lines.set(nameOf(each), line);
    }
    expect(new Set(lines.values()).size).toBe(lines.size);
    expect(new Set(index.all)).toEqual(new Set(lines.values()));
    expect(index.all).toHaveLength(lines.size);
    for (const [name, line] of isReversed ? [...lines].reverse() : lines) {
      index.end(line);
      lines.delete(name);
      for (const each of all) expect(index.of(each.ask())).toBe(lines.get(nameOf(each)));
    }
    expect(wards.isEmpty).toBe(true);
    expect(index.all).toEqual([]);
  });
});
