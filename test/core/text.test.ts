/** The core keeps no state of its own: a second instance on the same shared memory must have nothing to initialise again. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const EXPORTS = [
  "beginPassing",
  "change",
  "changePer",
  "correct",
  "countEnd",
  "define",
  "demandOf",
  "enlist",
  "enter",
  "exit",
  "format",
  "hasRow",
  "hashName",
  "inherit",
  "leave",
  "logBytes",
  "movePer",
  "nodeBytes",
  "passSome",
  "pausedUntil",
  "readRow",
  "redefine",
  "regionBytes",
  "rowAt",
  "scratchOf",
  "stateBytes",
  "transact",
  "transactPer",
  "waitPer",
  "widenPer",
  "wipe",
  "wipeShared",
  "writeRow",
];

const HIDDEN_STATE = /\(\s*(data|global|elem|table|start)\b|memory\.(grow|init)|call_indirect/;

const read = (name: string) => readFileSync(new URL(`../../build/${name}`, import.meta.url));

describe("the release build", () => {
  const text = read("shared.wat").toString();

  test("imports its memory and nothing else", () => {
    expect(text.match(/\(import .*/g)).toEqual([
      '(import "env" "memory" (memory $mimport$0 1 65536 shared))',
    ]);
  });

  test("has no data, no globals, no tables, and never allocates", () => {
    expect(text.match(HIDDEN_STATE)).toBeNull();
  });

  test("exports the names of index.ts and no others", () => {
    const names = [...text.matchAll(/\(export "(\w+)"/g)].map((match) => match[1]).sort();
    expect(names).toEqual(EXPORTS);
  });

  test("for private memory differs in one byte", () => {
    const [shared, own] = [read("shared.wasm"), read("private.wasm")];
    expect(shared.filter((byte, i) => byte !== own[i])).toEqual(Buffer.from([3]));
    const [memory] = WebAssembly.Module.imports(new WebAssembly.Module(own));
    expect(memory).toEqual({ module: "env", name: "memory", kind: "memory" });
    new WebAssembly.Instance(new WebAssembly.Module(own), {
      env: { memory: new WebAssembly.Memory({ initial: 1, maximum: 65_536 }) },
    });
  });

  // The rules of debts and refunds are there twice: for debts of one word, and for those of two. So is what redefine reads of them, and
  // each change of a limit. Partitions are a half of all: alone, and among threads.
  test("has 36,700 bytes at most", () => {
    expect(read("shared.wasm").byteLength).toBeLessThanOrEqual(36_700);
  });
});

test("the check finds hidden state where there is some", () => {
  expect(read("debug.wat").toString()).toMatch(HIDDEN_STATE);
});
