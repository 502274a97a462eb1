import { describe, expect, test } from "vitest";
import { breachesIn, circleIn, LONGEST_FILE, MAY_IMPORT, readSources, type Sources, where } from "./house.ts";

const sources = readSources();

/** The house with one more line in one file. */
function planted(file: string, line: string): Sources {
  expect(sources.has(file), `${file} is there to plant in`).toBe(true);
  return new Map(sources).set(file, `${sources.get(file)}\n${line}\n`);
}

describe("rooms", () => {
  test("four files are at the door of src", () => {
    const door = [...sources.keys()].filter((file) => /^src\/[^/]+$/.test(file));
    expect(door).toEqual(["src/contract.ts", "src/errors.ts", "src/index.ts", "src/limit-set.ts"]);
  });

  test("every room has a rule", () => {
    const rooms = [...sources.keys()].flatMap((file) => /^src\/([^/.]+)/.exec(file)?.[1] ?? []);
    expect([...new Set(rooms)].sort()).toEqual(Object.keys(MAY_IMPORT).sort());
  });

  test("a room imports only rooms below it", () => {
    expect(breachesIn(sources)).toEqual([]);
  });

  test.each([
    ["src/limit-set.ts", 'import { shareLimits } from "./threads/share.ts";', "src/threads/share.ts"],
    ["src/core/region.ts", 'import type { Limit } from "../limits/limits.ts";', "src/limits/limits.ts"],
    [
      "src/waiting/lines.ts",
      'export * from "../acquisition/acquisition.ts";',
      "src/acquisition/acquisition.ts",
    ],
    ["src/platform/clock.ts", 'const later = import("../core/arena.ts");', "src/core/arena.ts"],
    ["src/port/serve.ts", 'import "../redis/index.ts";', "src/redis/index.ts"],
    ["src/threads/share.ts", 'import { HEAD } from "../../assembly/commit.ts";', "assembly/commit.ts"],
  ])("a breach that is planted in %s is found", (file, line, imported) => {
    expect(breachesIn(planted(file, line))).toEqual([`${file} imports ${imported}`]);
  });

  test("no file imports itself by way of others", () => {
    expect(circleIn(sources)).toBeUndefined();
  });

  test("a circle that is planted is found", () => {
    expect(circleIn(planted("src/errors.ts", 'import type { Limits } from "./contract.ts";'))).toMatch(
      /src\/errors\.ts -> .* -> src\/errors\.ts|-> src\/errors\.ts ->/,
    );
  });

  test(`no file is longer than ${LONGEST_FILE} lines`, () => {
    const long = [...sources].filter(([, text]) => text.split("\n").length - 1 > LONGEST_FILE);
    expect(long.map(([file]) => file)).toEqual([]);
  });
});

describe("one place for each thing", () => {
  test("only the bridge touches WebAssembly", () => {
    const files = where(sources, "src", /\bWebAssembly\b/);
    expect(files.filter((file) => !file.startsWith("src/core/"))).toEqual([]);
  });

  test("only the clock reads time and sets the platform's timers", () => {
    const pattern = /\bDate\.now\b|\bperformance\b|globalThis\.setTimeout/;
    expect(where(sources, "src", pattern)).toEqual(["src/platform/clock.ts"]);
  });

  test("only the file of the head touches a head word", () => {
    expect(where(sources, "assembly", /\+ HEAD\b/)).toEqual(["assembly/head.ts"]);
  });

  test("only one file of the core tells kinds of limit apart", () => {
    expect(where(sources, "assembly", /\bswitch\b/)).toEqual(["assembly/kinds.ts"]);
  });

  test("only the set itself, threads and Durable Objects come in by the door for internals", () => {
    const outside = /^src\/(acquisition\/internals|changes\/|views\/|limit-set|threads\/|cloudflare\/)/;
    expect(where(sources, "src", /\bINTERNALS\b/).filter((file) => !outside.test(file))).toEqual([]);
  });
});
