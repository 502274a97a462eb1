import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AWAITS_RELEASE,
  AWAITS_TIME,
  FREE,
  type Line,
  type Standing,
  type Stop,
  UNKNOWN,
} from "../../src/redis/line.ts";
import { Lines } from "../../src/redis/lines.ts";
import { runs } from "../property/settings.ts";

interface Waiter extends Standing<Waiter> {
  readonly name: string;
}

const LIMITS = 3;

/** Waiters named after the limits that they want, as in `ab`; a capital letter makes a request nested. */
function waiter(name: string, turn: number): Waiter {
  const wanted = name.toLowerCase();
  const units = ["a", "b", "c"].map((limit) => (wanted.includes(limit) ? 1 : 0));
  const covered = name === wanted ? undefined : units.map(() => false);
  const place = { line: undefined, previous: undefined, next: undefined };
  return { name, key: 0, turn, demand: units, request: { units, covered }, ...place };
}

function standing(...names: string[]) {
  const lines = new Lines<Waiter>(LIMITS);
  const waiters = names.map((name, turn) => waiter(name, turn));
  for (const each of waiters) lines.stand(each);
  lines.restart();
  return { lines, waiters };
}

/** Walks on, and returns the turns of the waiters that were visited. `answers` by turn; FREE where there is none. */
function walk(lines: Lines<Waiter>, answers: Record<number, Stop> = {}, beforeTurn?: number): number[] {
  const visited: number[] = [];
  lines.walk(({ turn }) => {
    visited.push(turn);
    return answers[turn] ?? FREE;
  }, beforeTurn);
  return visited;
}

const stops = (lines: Lines<Waiter>) => Object.fromEntries([...lines].map(({ name, stop }) => [name, stop]));
const of = (name: string) => waiter(name, 0).request;

describe("lines", () => {
  test("count the waiters of each limit", () => {
    const { lines, waiters } = standing("a", "ab", "a");
    expect([lines.size, lines.waitingFor(0), lines.waitingFor(1), lines.waitingFor(2)]).toEqual([3, 3, 1, 0]);
    lines.leave(waiters[1]!);
    lines.leave(waiters[1]!);
    expect([lines.size, lines.waitingFor(0), lines.waitingFor(1)]).toEqual([2, 2, 0]);
    expect([...lines].map(({ limits }) => limits)).toEqual([[0]]);
  });

  test("count the waiters of each limit before another", () => {
    const { lines, waiters } = standing("a", "ab", "b", "a");
    const ahead = (turn: number) => [0, 1, 2].map((index) => lines.countBefore(index, { key: 0, turn }));
    expect([ahead(0), ahead(3), ahead(9)]).toEqual([
      [0, 0, 0],
      [2, 2, 0],
      [3, 2, 0],
    ]);
    lines.leave(waiters[1]!);
    lines.stand(waiter("ac", 4));
    expect([ahead(4), ahead(9)]).toEqual([
      [2, 1, 0],
      [3, 1, 1],
    ]);
    for (const each of waiters) lines.leave(each);
    expect(ahead(9)).toEqual([1, 0, 1]);
  });

  test("take a waiter back to where it stood", () => {
    const { lines, waiters } = standing("a", "a", "a");
    for (const each of [...waiters]) {
      lines.leave(each);
      lines.stand(each);
      lines.restart();
      expect(walk(lines)).toEqual([0, 1, 2]);
    }
  });
});

describe("a walk", () => {
  test("visits waiters in order of turn across lines", () => {
    const { lines } = standing("a", "b", "a", "abc", "b", "A");
    expect(walk(lines)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(walk(lines)).toEqual([]);
    lines.restart();
    expect(walk(lines)).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("goes on behind waiters that leave when visited, and past those that leave before", () => {
    const { lines, waiters } = standing("a", "b", "a", "b", "a");
    expect(walk(lines, {}, 2)).toEqual([0, 1]);
    lines.leave(waiters[2]!);
    const visited: number[] = [];
    lines.walk((each) => {
      visited.push(each.turn);
      lines.leave(each);
      return FREE;
    });
    expect([visited, lines.size]).toEqual([[3, 4], 2]);
  });

  test("does not come to a waiter that stands after it began", () => {
    const { lines } = standing("a");
    lines.stand(waiter("b", 1));
    expect(walk(lines)).toEqual([0]);
    lines.restart();
    expect(walk(lines)).toEqual([0, 1]);
  });

  test("passes by a stopped line, and the lines behind it that share a limit", () => {
    const { lines } = standing("ab", "a", "ab", "bc", "c", "a");
    expect(walk(lines, { 0: AWAITS_TIME })).toEqual([0]);
    expect(stops(lines)).toEqual({ "0,1": 2, "0": 2, "1,2": 2, "2": 2 });
  });

  test("remembers which lines are stopped until they are reopened", () => {
    const { lines } = standing("a", "b", "a");
    expect(walk(lines, { 0: AWAITS_RELEASE })).toEqual([0, 1]);
    lines.restart();
    expect(walk(lines)).toEqual([1]);
    lines.reopen();
    lines.restart();
    expect(walk(lines)).toEqual([0, 1, 2]);
  });

  test("lets nested requests pass those that await a release, not those that await time", () => {
    const { lines } = standing("a", "A", "b", "B", "AB", "c");
    expect(walk(lines, { 0: AWAITS_RELEASE, 2: AWAITS_TIME })).toEqual([0, 1, 2, 5]);
    expect([lines.stopOf(of("A")), lines.stopOf(of("a"))]).toEqual([AWAITS_TIME, AWAITS_TIME]);
  });

  test("a nested line that awaits a release stops itself and others", () => {
    const { lines } = standing("A", "A", "a", "AB");
    expect(walk(lines, { 0: AWAITS_RELEASE })).toEqual([0, 3]);
    lines.restart();
    expect(walk(lines)).toEqual([3]);
  });

  test("where it is not known yet, no request passes, and the next walk asks anew", () => {
    const { lines } = standing("a", "A", "ab", "b");
    expect(walk(lines, { 0: UNKNOWN })).toEqual([0]);
    expect(stops(lines)).toEqual({ "0": FREE, "nested 0": FREE, "0,1": FREE, "1": FREE });
    lines.restart();
    expect(walk(lines)).toEqual([0, 1, 2, 3]);
  });

  test("passes no more of a line than its quota", () => {
    const { lines, waiters } = standing("a", "a", "a", "b", "ab");
    waiters[0]!.line!.quota = 2;
    expect(walk(lines)).toEqual([0, 1, 3]);
    expect([lines.stopOf(of("a")), lines.stopOf(of("c"))]).toEqual([UNKNOWN, FREE]);
    lines.restart();
    waiters[0]!.line!.quota = 3;
    expect(walk(lines)).toEqual([0, 1, 2, 3, 4]);
  });

  test("is resumed turn by turn, and tells in between what stops a request that comes then", () => {
    const { lines } = standing("a", "b", "a", "c");
    const answers = { 1: AWAITS_RELEASE, 2: UNKNOWN } as const;
    const told: (number[] | Stop)[] = [];
    for (const turn of [0, 1, 2, 3]) told.push(walk(lines, answers, turn), lines.stopOf(of("ab")));
    expect(told).toEqual([[], FREE, [0], FREE, [1], AWAITS_RELEASE, [2], UNKNOWN]);
    expect(lines.stopOf(of("AB"))).toBe(UNKNOWN);
    expect(walk(lines, answers)).toEqual([3]);
  });
});

/** A waiter of the plain model: `leaves` says whether it leaves its line when it is answered FREE. */
interface Plain {
  readonly name: string;
  readonly turn: number;
  readonly answer: Stop;
  readonly leaves: boolean;
}

const share = (one: string, other: string) =>
  [...one.toLowerCase()].some((limit) => other.toLowerCase().includes(limit));

/** A walk as plainly as it can be written: each waiter is compared with all that were stopped before it. */
class PlainWalk {
  readonly visited: number[] = [];
  readonly #stopped: { readonly name: string; readonly stop: Stop }[] = [];
  readonly #visits = new Map<string, number>();
  readonly #known: Map<string, Stop>;
  readonly #quota: number;

  constructor(known: Map<string, Stop>, quota: number) {
    this.#known = known;
    this.#quota = quota;
  }

  meet({ name, turn, answer }: Plain): void {
    if (this.#stopped.some((other) => other.name === name)) return;
    const known = this.#known.get(name) ?? FREE;
    let stop = Math.max(known, this.stopOf(name)) as Stop;
    const visits = this.#visits.get(name) ?? 0;
    if (stop === FREE && visits >= this.#quota) stop = UNKNOWN;
    if (stop === FREE) {
      this.visited.push(turn);
      this.#visits.set(name, visits + 1);
      stop = answer;
    }
    if (stop === FREE) return;
    this.#stopped.push({ name, stop });
    if (known === FREE && stop !== UNKNOWN) this.#known.set(name, stop);
  }

  stopOf(name: string): Stop {
    const stop = Math.max(
      FREE,
      ...this.#stopped.filter((one) => share(one.name, name)).map((one) => one.stop),
    );
    const isNested = name !== name.toLowerCase();
    return isNested && stop === AWAITS_RELEASE ? FREE : (stop as Stop);
  }
}

const NAMES = ["a", "b", "c", "ab", "bc", "ac", "abc"].flatMap((name) => [name, name.toUpperCase()]);
const plain = fc.record({
  name: fc.constantFrom(...NAMES),
  answer: fc.constantFrom<Stop>(FREE, FREE, FREE, AWAITS_RELEASE, AWAITS_TIME, UNKNOWN),
  leaves: fc.boolean(),
});

test("walks as the plain model does: order, stops, turns in between, quotas, one walk after another", () => {
  const walks = fc.array(fc.record({ reopens: fc.boolean(), quota: fc.integer({ min: 0, max: 4 }) }), {
    minLength: 1,
    maxLength: 4,
  });
  const cuts = fc.array(fc.nat(20), { maxLength: 4 });
  fc.assert(
    fc.property(fc.array(plain, { maxLength: 20 }), walks, cuts, (given, rounds, turns) => {
      let model = given.map((each, turn) => ({ ...each, turn }));
      const { lines, waiters } = standing(...given.map(({ name }) => name));
      const known = new Map<string, Stop>();
      for (const { reopens, quota } of rounds) {
        if (reopens) known.clear();
        for (const line of lines as Iterable<Line<Waiter>>) line.quota = quota;
        if (reopens) lines.reopen();
        lines.restart();
        const expected = new PlainWalk(known, quota);
        const visited: number[] = [];
        let from = 0;
        for (const turn of [...turns].sort((x, y) => x - y).concat(given.length)) {
          for (const each of model) if (each.turn >= from && each.turn < turn) expected.meet(each);
          from = Math.max(from, turn);
          lines.walk((each) => {
            visited.push(each.turn);
            const { answer, leaves } = given[each.turn]!;
            if (answer === FREE && leaves) lines.leave(each);
            return answer;
          }, turn);
          expect(visited).toEqual(expected.visited);
          for (const name of NAMES) expect(lines.stopOf(of(name))).toBe(expected.stopOf(name));
        }
        model = model.filter(({ turn, answer, leaves }) => {
          return !(visited.includes(turn) && answer === FREE && leaves);
        });
        // A line that has ended is forgotten.
        for (const name of known.keys()) if (!model.some((each) => each.name === name)) known.delete(name);
        expect(waiters.filter(({ line }) => line).map(({ turn }) => turn)).toEqual(
          model.map(({ turn }) => turn),
        );
        for (const each of waiters) if (each.line) expect(each.line.stop).toBe(known.get(each.name) ?? FREE);
      }
    }),
    runs(500),
  );
});
