/** Millions of invented names: known ones get the answers that they would get alone, the limit of all holds, and no memory is added. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { CallLimit, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { proves } from "../installed.ts";
import { craftedNames, UNKEYED, unkeyedHash } from "./crafted-names.ts";
import { SEED } from "./settings.ts";

const NAMES = proves ? 10_000_000 : 300_000;
const MAX = 100_000;
const KNOWN = 500;
/** Twenty names come in a millisecond: more than the limit of all allows, until there are more than partitions. */
const MS_EACH = 0.05;
const ALL = { key: "all", capacity: 20_000, windowMs: 1250 } as const;
/** What an invented name has taken is back after 12 seconds. Known ones have a tier in which they never have recovered here. */
const EACH = { key: "each", capacity: 5, windowMs: 60_000 } as const;
const KNOWN_TIER = { capacity: 1000, windowMs: 1e9 } as const;

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
const heap = () => {
  collect();
  return process.memoryUsage().heapUsed;
};

type Opened = { readonly region: { readonly heap: { readonly memory: WebAssembly.Memory } } };
const memoryOf = (limits: LimitSet<string>) =>
  (Reflect.get(limits, Symbol.for("limitset.internals")) as () => Opened).call(limits).region.heap.memory;

describe.each(["share", "refuse"] as const)("%s", (whenFull) => {
  test(`${NAMES} invented names through ${MAX} partitions`, { timeout: 1_200_000 }, () => {
    const clock = new ManualClock(Date.UTC(2026, 10, 28));
    const limits = new LimitSet<string>({
      limits: [
        new CallLimit(ALL),
        new CallLimit({ ...EACH, per: "ip", tiers: { known: KNOWN_TIER } }),
      ] as never,
      partitions: { ip: { max: MAX, whenFull } } as never,
      clock,
    });
    // What each known name, and all together, would be answered without the others.
    const all = new LimitSet({ limits: [new CallLimit(ALL)], clock });
    const alone = Array.from(
      { length: KNOWN },
      () => new LimitSet({ limits: [new CallLimit({ key: "each", ...KNOWN_TIER })], clock }),
    );
    const known = alone.map((oracle, i) => ({
      view: limits.for({ ip: `known ${i}` }, { tier: "known" }),
      oracle,
    }));
    let die = SEED >>> 0;
    const roll = (sides: number) => {
      die = (Math.imul(die, 1664525) + 1013904223) >>> 0;
      return Math.floor((die / 2 ** 32) * sides);
    };
    let differing = 0;
    /** A known name asks for some calls: so it has used up its own now and then. */
    const ask = (i: number) => {
      const { view, oracle } = known[i]!;
      const request = { call_count: 1 + roll(9) };
      const expected = [
        ...(all.peek(request).successful ? [] : ["all"]),
        ...(oracle.peek(request).successful ? [] : ["each"]),
      ];
      const { limitedBy } = view.tryAcquire(request);
      if (limitedBy.join() !== expected.join()) differing++;
      if (expected.length > 0) return;
      all.tryAcquire(request);
      oracle.tryAcquire(request);
    };
    for (let i = 0; i < KNOWN; i++) ask(i);

    let [passed, byAll, byEach, wrongOfAll, wrongOfEach] = [0, 0, 0, 0, 0];
    const attack = (i: number) => {
      const { successful, limitedBy } = limits.for({ ip: `invented ${i}` }).tryAcquire();
      if (successful) {
        passed++;
        if (!all.tryAcquire().successful) wrongOfAll++;
        return;
      }
      if (limitedBy.includes("all") === all.peek().successful) wrongOfAll++;
      if (limitedBy.includes("all")) byAll++;
      if (!limitedBy.includes("each")) return;
      byEach++;
      // A name that was never seen is refused by its own limit only where there is no room for it.
      const { count, shared } = limits.partitions["ip"]!;
      if (count < MAX && !(whenFull === "share" && shared)) wrongOfEach++;
    };
    const play = (from: number, to: number) => {
      for (let i = from; i < to; i++) {
        clock.advance(MS_EACH);
        attack(i);
        if (i % 25 === 0) ask(roll(KNOWN));
      }
    };
    const { buffer } = memoryOf(limits);
    const bytes = buffer.byteLength;
    play(0, NAMES / 2);
    const half = heap();
    play(NAMES / 2, NAMES);
    expect(memoryOf(limits).buffer.byteLength).toBe(bytes);
    expect(heap() - half).toBeLessThan(2 ** 20);
    expect({ differing, wrongOfAll, wrongOfEach }).toEqual({ differing: 0, wrongOfAll: 0, wrongOfEach: 0 });
    expect(Math.min(passed, byAll, byEach)).toBeGreaterThan(0);
    // Those that share go on sharing: the state that they share never recovers. Where others are refused, new ones come into places.
    if (whenFull === "refuse") expect(passed).toBeGreaterThan(MAX);
    expect(limits.partitions["ip"]!.count).toBeLessThanOrEqual(MAX);

    // When all that was taken is back, a new name has a state of its own again.
    clock.advance(60_000);
    const fresh = limits.for({ ip: "fresh" });
    const answers = Array.from({ length: 6 }, () => fresh.tryAcquire().successful);
    expect(answers).toEqual([true, true, true, true, true, false]);
    expect(limits.partitions["ip"]!.shared).toBe(false);
    for (let i = 0; i < KNOWN; i++) ask(i);
    expect(differing).toBe(0);
    console.info(
      `${whenFull}: ${NAMES} names, ${passed} passed, ${byAll} refused by the limit of all, ${byEach} for want of room`,
    );
  });
});

describe("names with one hash", () => {
  const BITS = proves ? 17 : 12;
  test.each(Object.keys(UNKEYED))(`${2 ** BITS} names with one %s each have a state of their own`, (kind) => {
    const names = craftedNames(kind, BITS);
    expect(new Set(names).size).toBe(2 ** BITS);
    expect(new Set(names.map((name) => unkeyedHash(kind, name))).size).toBe(1);
    const limits = new LimitSet({
      limits: [new CallLimit({ key: "each", capacity: 1, windowMs: 60_000, per: "ip" })],
      partitions: { ip: { max: 2 ** BITS } },
      clock: new ManualClock(0),
    });
    const takeAll = () => names.filter((name) => limits.for({ ip: name }).tryAcquire().successful).length;
    expect(takeAll()).toBe(2 ** BITS);
    expect(limits.partitions.ip).toEqual({ count: 2 ** BITS, max: 2 ** BITS, shared: false });
    expect(takeAll()).toBe(0);
  });
});
