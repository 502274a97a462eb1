import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

/** The source files below a folder in which `pattern` stands outside of comments. */
function where(folder: string, pattern: RegExp): string[] {
  const names = readdirSync(new URL(folder, root), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts") && !name.includes("generated"))
    .filter((name) => {
      const text = readFileSync(new URL(`${folder}/${name}`, root), "utf8");
      return pattern.test(text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ""));
    })
    .sort();
}

describe("one room for each thing", () => {
  test("only the bridge touches WebAssembly", () => {
    expect(where("src", /\bWebAssembly\b/).filter((file) => !file.startsWith("core/"))).toEqual([]);
  });

  test("only the clock reads time and sets the platform's timers", () => {
    expect(where("src", /\bDate\.now\b|\bperformance\b|globalThis\.setTimeout/)).toEqual([
      "platform/clock.ts",
    ]);
  });

  test("only the transaction touches a head word", () => {
    expect(where("assembly", /\+ HEAD\b/)).toEqual(["commit.ts"]);
  });

  test("only one file tells kinds of limit apart", () => {
    expect(where("assembly", /\bswitch\b/)).toEqual(["kinds.ts"]);
  });
});
