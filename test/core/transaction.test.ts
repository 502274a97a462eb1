/** The protocol of `commit.ts`, seen from outside: blocks, heads, versions. */
import { describe, expect, test } from "vitest";
import {
  BLOCK_BYTES,
  BLOCKS,
  FIXED_WINDOW,
  GCRA,
  HEAD,
  INSPECT,
  LEAKY_BUCKET,
  PROBE,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
  VERSION_AT,
  WIDE_BUCKET,
  WIDE_LEAKY_BUCKET,
} from "../../assembly/layout.ts";
import { presentBlock } from "../../src/core/block.ts";
import { type Core, instantiateDebug, openCore } from "./core.ts";

const NOW = 1_735_689_600_000;

function head(core: ReturnType<typeof openCore>) {
  const { region, i64 } = core;
  const words = new Int32Array(i64.buffer, region);
  const block = presentBlock({ buffer: i64.buffer, start: region });
  const index = (block - region - words[BLOCKS / 4]!) / words[BLOCK_BYTES / 4]!;
  return { version: i64[(region + HEAD) / 8]! >> BigInt(VERSION_AT), index };
}

test("a grant moves the head to the participant's other block and raises the version", () => {
  const core = openCore([{ kind: TOKEN_BUCKET, capacity: 10 }], 2);
  core.request([1]);
  const seen = [head(core)];
  for (let i = 0; i < 3; i++) {
    expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
    seen.push(head(core));
  }
  expect(seen).toEqual([
    { version: 0n, index: 0 },
    { version: 1n, index: 1 },
    { version: 2n, index: 0 },
    { version: 3n, index: 1 },
  ]);
});

test("the only participant changes its block in place, and raises the version", () => {
  const core = openCore([{ kind: TOKEN_BUCKET, capacity: 10 }]);
  core.request([1]);
  for (const version of [1n, 2n]) {
    expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
    expect(head(core)).toEqual({ version, index: 0 });
  }
});

/** Limits of every kind, each of which grants a request for 2. */
const KINDS = {
  "token bucket": { kind: TOKEN_BUCKET, capacity: 10, window: 1_000_000 },
  GCRA: { kind: GCRA, capacity: 10, ceiling: 4, window: 1_000_000 },
  "leaky bucket": { kind: LEAKY_BUCKET, capacity: 10, window: 1_000 },
  "sliding window": { kind: SLIDING_WINDOW, capacity: 10, window: 1_000_000 },
  "fixed window": { kind: FIXED_WINDOW, capacity: 10, window: 1_000_000 },
  resource: { kind: RESOURCE, capacity: 10 },
  "wide bucket": { kind: WIDE_BUCKET, capacity: 2 ** 40, window: 2 ** 40 - 1 },
  "wide leaky bucket": { kind: WIDE_LEAKY_BUCKET, capacity: 2 ** 40, window: 2 ** 20 - 1 },
};

/** All numbers of the present block, and the head. */
function stateOf(core: Core): bigint[] {
  const word = (at: number) => new Int32Array(core.i64.buffer)[(core.region + at) / 4]!;
  const { index, version } = head(core);
  const block = core.region + word(BLOCKS) + index * word(BLOCK_BYTES);
  return [version, ...core.i64.subarray(block / 8, (block + word(BLOCK_BYTES)) / 8)];
}

// A set of up to 8 limits is copied where several are asked; of more limits, all are asked before the first changes. With one asked, it
// changes in place.
describe.each([
  ["one limit", 0, 1],
  ["few limits", 0, 2],
  ["many limits, of which some are asked", 9, 2],
  ["many limits, of which one is asked", 9, 1],
])("%s of one participant", (_, others, asked) => {
  const unasked = Array.from({ length: others }, () => ({ kind: TOKEN_BUCKET, capacity: 5 }));

  for (const [name, row] of Object.entries(KINDS)) {
    const limits = [...unasked, ...Array.from({ length: asked }, () => row)];
    const zeroes = unasked.map(() => 0);
    const all = (amount: number) => [...zeroes, ...Array.from({ length: asked }, () => amount)];

    test(`a refusal, a probe and a reading change nothing: ${name}`, () => {
      const core = openCore(limits);
      const ask = (units: number[], ms: number, action: number, since = 0) => {
        core.request(units);
        return core.transact(core.region, core.scratch, 0, ms, action, since, others, limits.length);
      };
      expect(ask(all(2), NOW, TAKE)).toBeGreaterThan(0);
      // Later, so that debts have leaked, entries have left their windows, and windows have turned.
      for (const ms of [NOW, NOW + 5, NOW + 1500]) {
        const before = stateOf(core);
        const most = row.kind === GCRA ? 5 : row.capacity + 1;
        expect(ask(all(most), ms, TAKE)).toBeLessThan(0);
        if (asked > 1) {
          // One grants, and the other refuses: first the last, then the first.
          expect(ask([...zeroes, 1, most], ms, TAKE)).toBeLessThan(0);
          expect(ask([...zeroes, most, 1], ms, TAKE)).toBeLessThan(0);
        }
        ask(all(1), ms, PROBE);
        ask(all(0), ms, INSPECT);
        expect(stateOf(core)).toEqual(before);
      }
      // The unasked limits are as they were: each still grants all that it has.
      if (others > 0) {
        core.request([...unasked.map(() => 5), ...Array.from({ length: asked }, () => 0)]);
        expect(core.transact(core.region, core.scratch, 0, NOW + 1500, TAKE, 0)).toBeGreaterThan(0);
      }
    });
  }
});

test("a refusal and a reading leave the head and the head's block as they were", () => {
  const core = openCore([
    { kind: TOKEN_BUCKET, capacity: 10 },
    { kind: RESOURCE, capacity: 1 },
    { kind: SLIDING_WINDOW, capacity: 5 },
  ]);
  core.request([4, 1, 5]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
  const before = head(core);
  core.request([4, 1, 1]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBe(Number.NEGATIVE_INFINITY);
  core.transact(core.region, core.scratch, 0, NOW + 5, INSPECT, 0);
  core.request([4, 0, 0]);
  expect(core.transact(core.region, core.scratch, 0, NOW, PROBE, 0)).toBeGreaterThan(0);
  expect(head(core)).toEqual(before);
});

test("the version wraps without a trace", () => {
  const core = openCore([{ kind: RESOURCE, capacity: 10 }], 2);
  const word = (core.region + HEAD) / 8;
  const version = BigInt(VERSION_AT);
  core.i64[word] = (((1n << (63n - version)) - 1n) << version) | BigInt.asUintN(VERSION_AT, core.i64[word]!);
  core.request([1]);
  for (let i = 0; i < 3; i++)
    expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
  expect(head(core).index).toBe(1);
  core.request([8]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeLessThan(0);
  core.request([7]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
});

test("a request above the ceiling is refused for ever, whatever its size", () => {
  const core = openCore([{ kind: TOKEN_BUCKET, capacity: 10 }]);
  for (const units of [11, 2 ** 32, 2 ** 53 - 1]) {
    core.request([units]);
    expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBe(Number.NEGATIVE_INFINITY);
  }
});

test("a reading of the clock that is no time does not move the set", () => {
  const core = openCore([{ kind: TOKEN_BUCKET, capacity: 1, window: 1_000 }]);
  core.request([1]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
  for (const reading of [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, -1, 1e300]) {
    expect(core.transact(core.region, core.scratch, 0, reading, TAKE, 0)).toBeLessThan(0);
  }
  expect(core.transact(core.region, core.scratch, 0, NOW + 1, TAKE, 0)).toBeGreaterThan(0);
});

test("participants take in turn from one state", () => {
  const core = openCore([{ kind: RESOURCE, capacity: 3 }], 3);
  for (const participant of [2, 0, 1]) {
    const scratch = core.scratchOf(core.region, participant);
    core.f64[(scratch + UNITS) / 8] = 1;
    expect(core.transact(core.region, scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
  }
  core.request([1]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeLessThan(0);
  // A settlement does not give back the units of another participant, however many it names.
  core.request([-3]);
  core.transact(core.region, core.scratch, 0, NOW, SETTLE, NOW * 1000);
  core.request([2]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeLessThan(0);
  core.request([1]);
  expect(core.transact(core.region, core.scratch, 0, NOW, TAKE, 0)).toBeGreaterThan(0);
});

test("misuse of the debug build aborts with a readable reason", () => {
  const { core } = instantiateDebug();
  expect(() => core.format(32_769, 1, 0, 0, 1, 0, 32_769, 0)).toThrow(/cache line/);
  expect(() => core.format(32_768, 1, 0, 0, 0, 0, 32_768, 0)).toThrow(/participants/);
  core.format(32_768, 1, 88, 0, 1, 0, 32_768, 0);
  expect(() => core.define(32_768, 1, TOKEN_BUCKET, 1, 1, 1, 0, 0, 0)).toThrow(/no such limit/);
  expect(() => core.define(32_768, 0, 10, 1, 1, 1, 0, 0, 0)).toThrow(/no such kind/);
  expect(() => core.scratchOf(32_768, 1)).toThrow(/no such participant/);
});

test("a head names blocks in the upper half of a memory of 4 GB", () => {
  const { core, memory } = instantiateDebug();
  memory.grow(65_535);
  const start = 2 ** 32 - 65_536;
  const bytes = core.stateBytes(RESOURCE, 2);
  core.format(start, 1, bytes, 0, 2, start + 32_768, start, 0);
  core.define(start, 0, RESOURCE, 2, 2, 0, 0, 0, 0);
  const blocks = [0, 1, 1].map((participant) => {
    const scratch = core.scratchOf(start, participant);
    new Float64Array(memory.buffer)[((scratch >>> 0) + UNITS) / 8] = 1;
    core.transact(start, scratch, 0, NOW, TAKE, 0, 0, 0);
    return presentBlock({ buffer: memory.buffer, start }) - start;
  });
  const size = new Int32Array(memory.buffer, start)[BLOCK_BYTES / 4]!;
  const first = new Int32Array(memory.buffer, start)[BLOCKS / 4]!;
  // The third is refused.
  expect(blocks).toEqual([first + size, first + 2 * size, first + 2 * size]);
});
