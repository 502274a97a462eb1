/** The protocol of `commit.ts`, seen from outside: blocks, heads, versions. */
import { expect, test } from "vitest";
import {
  BLOCK_BYTES,
  BLOCKS,
  HEAD,
  INSPECT,
  PROBE,
  RESOURCE,
  SETTLE,
  SLIDING_WINDOW,
  TAKE,
  TOKEN_BUCKET,
  UNITS,
  VERSION_AT,
} from "../../assembly/layout.ts";
import { presentBlock } from "../../src/core/block.ts";
import { instantiateDebug, openCore } from "./core.ts";

const NOW = 1_735_689_600_000;

function head(core: ReturnType<typeof openCore>) {
  const { region, i64 } = core;
  const words = new Int32Array(i64.buffer, region);
  const block = presentBlock({ buffer: i64.buffer, start: region });
  const index = (block - region - words[BLOCKS / 4]!) / words[BLOCK_BYTES / 4]!;
  return { version: i64[(region + HEAD) / 8]! >> BigInt(VERSION_AT), index };
}

test("a grant moves the head to the participant's other block and raises the version", () => {
  const core = openCore([{ kind: TOKEN_BUCKET, capacity: 10 }]);
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
  const core = openCore([{ kind: RESOURCE, capacity: 10 }]);
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
    core.transact(start, scratch, 0, NOW, TAKE, 0);
    return presentBlock({ buffer: memory.buffer, start }) - start;
  });
  const size = new Int32Array(memory.buffer, start)[BLOCK_BYTES / 4]!;
  const first = new Int32Array(memory.buffer, start)[BLOCKS / 4]!;
  // The third is refused.
  expect(blocks).toEqual([first + size, first + 2 * size, first + 2 * size]);
});
