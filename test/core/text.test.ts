/** The core keeps no state of its own: a second instance on the same shared memory must have nothing to initialise again. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const OF_ALONE = [
  "beginPassing",
  "change",
  "changePer",
  "correct",
  "countEnd",
  "define",
  "demandOf",
  "enlist",
  "format",
  "hashName",
  "inherit",
  "logBytes",
  "movePer",
  "nodeBytes",
  "passSome",
  "pausedUntil",
  "redefine",
  "regionBytes",
  "scratchOf",
  "stateBytes",
  "takeKnown",
  "transact",
  "transactPer",
  "waitPer",
  "wipe",
];
/** What threads need, and rows. */
const OF_WHOLE = [
  "arriveAmong",
  "enter",
  "exit",
  "hasRow",
  "leave",
  "ownIn",
  "passAmong",
  "readRow",
  "rowAt",
  "waitAmong",
  "widenPer",
  "wipeShared",
  "writeRow",
];

// The rules of debts and refunds are there twice: for debts of one word, and for those of two. So is what redefine reads of them, and
// each change of a limit. Partitions are a half of all.
const BUILDS = [
  { build: "alone", entry: "alone.ts", names: OF_ALONE, most: 26_300 },
  { build: "whole", entry: "index.ts", names: [...OF_ALONE, ...OF_WHOLE].sort(), most: 44_200 },
];

const HIDDEN_STATE = /\(\s*(data|global|elem|table|start)\b|memory\.(grow|init)|call_indirect/;

const read = (name: string) => readFileSync(new URL(`../../build/${name}`, import.meta.url));

describe.each(BUILDS)("the core $build", ({ build, entry, names, most }) => {
  const text = read(`${build}.wat`).toString();

  test("imports its memory and nothing else", () => {
    expect(text.match(/\(import .*/g)).toEqual([
      '(import "env" "memory" (memory $mimport$0 1 65536 shared))',
    ]);
  });

  test("has no data, no globals, no tables, and never allocates", () => {
    expect(text.match(HIDDEN_STATE)).toBeNull();
  });

  test(`exports the names of ${entry} and no others`, () => {
    const exported = [...text.matchAll(/\(export "(\w+)"/g)].map((match) => match[1]).sort();
    expect(exported).toEqual(names);
  });

  test("for private memory differs in one byte", () => {
    const [shared, own] = [read(`${build}.wasm`), read(`${build}-private.wasm`)];
    expect(shared.filter((byte, i) => byte !== own[i])).toEqual(Buffer.from([3]));
    const [memory] = WebAssembly.Module.imports(new WebAssembly.Module(own));
    expect(memory).toEqual({ module: "env", name: "memory", kind: "memory" });
    new WebAssembly.Instance(new WebAssembly.Module(own), {
      env: { memory: new WebAssembly.Memory({ initial: 1, maximum: 65_536 }) },
    });
  });

  test(`has ${most} bytes at most`, () => {
    expect(read(`${build}.wasm`).byteLength).toBeLessThanOrEqual(most);
  });
});

test("the core alone has no atomic instructions", () => {
  expect(read("alone.wat").toString()).not.toContain("atomic");
});

test("the check finds hidden state where there is some", () => {
  expect(read("debug.wat").toString()).toMatch(HIDDEN_STATE);
});
