/** The core keeps no state of its own: a second instance on the same shared memory must find nothing to write again. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const EXPORTS = [
  "decide",
  "define",
  "format",
  "leave",
  "logBytes",
  "memory",
  "regionBytes",
  "ring",
  "scratchOf",
  "stateBytes",
  "transact",
];

const HIDDEN_STATE = /\(\s*(data|global|elem|table|start)\b|memory\.(grow|init)|call_indirect/;

describe.each(["private", "shared"])("the text form of the %s build", (build) => {
  const text = readFileSync(new URL(`../../build/${build}.wat`, import.meta.url), "utf8");

  test("imports its memory and nothing else", () => {
    const imports = text.match(/\(import .*/g);
    const memory = build === "shared" ? "(memory $mimport$0 1 65536 shared)" : "(memory $mimport$0 1 65536)";
    expect(imports).toEqual([`(import "env" "memory" ${memory})`]);
  });

  test("has no data, no globals, no tables, and never allocates", () => {
    expect(text.match(HIDDEN_STATE)).toBeNull();
  });

  test("exports what index.ts says", () => {
    const names = [...text.matchAll(/\(export "(\w+)"/g)].map((match) => match[1]).sort();
    expect(names).toEqual(EXPORTS);
  });

  test("is atomic where threads can see it, and only there", () => {
    expect(/i64\.atomic\.rmw\.cmpxchg/.test(text)).toBe(build === "shared");
    expect(/atomic/.test(text)).toBe(build === "shared");
  });
});

test("the check finds hidden state where there is some", () => {
  const debug = readFileSync(new URL("../../build/debug.wat", import.meta.url), "utf8");
  expect(debug).toMatch(HIDDEN_STATE);
});
