import { describe, expect, test } from "vitest";
import { RateLimit, ResourceLimit } from "../../src/index.ts";
import { Allowance } from "../../src/redis/allowance.ts";
import { Asking } from "../../src/redis/asking.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { Lines, type Standing } from "../../src/redis/lines.ts";
import type { Request } from "../../src/redis/place.ts";

interface Waiter extends Standing<Waiter> {
  readonly steps: number;
  readonly request: Request;
}

const LIMITS = ["a", "b", "c"];

/** Waiters named after the limits that they want, as in `ab`; a capital letter makes a request nested. */
function waiter(name: string, turn: number, key = 0): Waiter {
  const wanted = name.toLowerCase();
  const units = LIMITS.map((limit) => (wanted.includes(limit) ? 1 : 0));
  const covered = name === wanted ? undefined : units.map(() => false);
  return {
    key,
    turn,
    demand: units,
    request: { units, covered },
    wanted: undefined,
    line: undefined,
    steps: 1,
  };
}

function standing(...names: string[]) {
  const lines = new Lines<Waiter>(LIMITS.length);
  const waiters = names.map((name, turn) => waiter(name, turn));
  for (const each of waiters) lines.stand(each);
  return { lines, waiters };
}

/** The lines of these waiters are refused by the first limit that they want, until a release. */
function park(lines: Lines<Waiter>, ...waiters: readonly Waiter[]): void {
  for (const waiter of waiters) {
    const at = waiter.request.units.findIndex((units) => units > 0);
    lines.park(waiter, { at, moment: Infinity, room: Infinity, isPaused: false });
  }
}

/** Walks through all lines, and returns the turns of the waiters that were visited. */
function walk(lines: Lines<Waiter>, room = Number.POSITIVE_INFINITY): number[] {
  const visited: number[] = [];
  lines.walk().until(undefined, ({ turn }) => {
    if (visited.length >= room) return false;
    visited.push(turn);
    return true;
  });
  return visited;
}

describe("lines on Redis", () => {
  test("a walk visits waiters in order across lines", () => {
    const { lines, waiters } = standing("a", "b", "a", "abc", "b", "A");
    expect(walk(lines)).toEqual([0, 1, 2, 3, 4, 5]);
    lines.stand(waiter("b", 6, -1));
    expect(walk(lines)).toEqual([6, 0, 1, 2, 3, 4, 5]);
    lines.leave(waiters[3]!);
    expect(walk(lines, 4)).toEqual([6, 0, 1, 2]);
  });

  test("a walk up to a place visits those before it, and goes on from there", () => {
    const { lines } = standing("a", "b", "a");
    const visited: number[] = [];
    const visit = ({ turn }: Waiter) => visited.push(turn) > 0;
    const some = lines.walk();
    some.until({ key: 0, turn: 2 }, visit);
    expect(visited).toEqual([0, 1]);
    some.until(undefined, visit);
    expect(visited).toEqual([0, 1, 2]);
  });

  test("a walk passes by parked lines, and others go on though they share a limit", () => {
    const { lines, waiters } = standing("a", "ab", "b", "a");
    park(lines, waiters[0]!);
    expect(lines.isParked(waiter("a", 9).request)).toBe(true);
    expect(lines.isParked(waiter("ac", 9).request)).toBe(false);
    expect(walk(lines)).toEqual([1, 2]);
  });

  test("a line that has waited is asked for one, then two, then four", () => {
    const { lines, waiters } = standing(..."aaaaaaaaaa");
    park(lines, waiters[0]!);
    lines.cameBackOf(0);
    for (const some of [[0], [1, 2], [3, 4, 5, 6]]) {
      expect(walk(lines)).toEqual(some);
      lines.granted(waiters[9]!.line!);
      for (const turn of some) lines.leave(waiters[turn]!);
    }
  });

  test("nested requests are asked for all at once: each of them may pass those before it", () => {
    const { lines, waiters } = standing("A", "A", "A");
    park(lines, waiters[0]!);
    lines.cameBackOf(0);
    expect(walk(lines)).toEqual([0, 1, 2]);
  });

  test("a line that ends and begins again is not parked", () => {
    const { lines, waiters } = standing("a");
    park(lines, waiters[0]!);
    expect(lines.leave(waiters[0]!)).toBeUndefined();
    lines.stand(waiter("a", 1));
    expect(walk(lines)).toEqual([1]);
  });
});

describe("the questions of a batch", () => {
  const definitions = new Definitions([
    new ResourceLimit({ key: "a", capacity: 2 }),
    new RateLimit({ key: "b", capacity: 10, windowMs: 1000 }),
    new RateLimit({ key: "c", capacity: 10, windowMs: 1000 }),
  ]);

  function asked(lines: Lines<Waiter>, singles: readonly Waiter[] = [], room?: number, before = Infinity) {
    const notes: [turn: number, before: string][] = [];
    const allowance = new Allowance(room ?? Number.POSITIVE_INFINITY);
    const left = new Asking(lines, definitions, [0], allowance.roster).ask(
      singles,
      before,
      allowance,
      ({ turn }, text) => notes.push([turn, text]),
    );
    return { notes, left: left.map(({ turn }) => turn) };
  }

  test("tell what those want that stand before and are not asked for", () => {
    const { lines, waiters } = standing("a", "a", "ab", "b");
    park(lines, waiters[0]!);
    expect(asked(lines, [waiter("abc", 4)]).notes).toEqual([
      [2, ";1:2"],
      [3, ""],
      [4, ";1:2"],
    ]);
    expect(asked(lines, [waiter("abc", 4)], undefined, 3).notes).toEqual([
      [2, ";1:2"],
      [4, ";1:2,2:1"],
    ]);
  });

  test("of a nested request tell what nested ones want, and how much is wanted of resources that it may hang on", () => {
    const { lines, waiters } = standing("ab", "b", "B", "c");
    park(lines, ...waiters);
    expect(asked(lines, [waiter("B", 4), waiter("C", 5)]).notes).toEqual([
      [2, ";2:2;;1:1;"],
      [4, ";2:2;;1:1;"],
      [5, ";3:1"],
    ]);
  });

  test("leave for the next batch what has no room", () => {
    const { lines } = standing("a", "b");
    expect(asked(lines, [waiter("a", 2), waiter("b", 3)], 3)).toEqual({
      notes: [
        [0, ""],
        [1, ""],
        [2, ""],
      ],
      left: [3],
    });
  });
});
