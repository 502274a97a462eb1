/** What the tests of examples are made of: how blocks are found, compiled, completed and run. */
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Block, blocksOf } from "./blocks.ts";
import { compile, type Source } from "./compile.ts";
import { examplesOf } from "./docstrings.ts";
import { programFolder, runExample, withComparisons } from "./run.ts";

const page = (...lines: string[]) => blocksOf("page.md", lines.join("\n"));
const fence = (info: string) => page(`\`\`\`${info}`, "1;", "```");

describe("finding blocks in a page", () => {
  test.each([
    ["ts", "compile", ""],
    ["js", "compile", ""],
    ["ts run", "run", ""],
    ["ts ignore: needs a server", "ignore", "needs a server"],
  ] as const)("a fence that says %j: %s", (info, purpose, reason) => {
    expect(fence(info)).toMatchObject([{ purpose, reason, text: "1;" }]);
  });

  test.each(["", "sh", "html", "json"])("a fence that says %j holds no code to test", (info) => {
    expect(fence(info)).toEqual([]);
  });

  test.each(["ts runn", "tsx", "typescript", "ts ignore", "ts ignore:", "ts run now", "run"])(
    "a fence that says %j is mistyped",
    (info) => {
      expect(fence(info)).toMatchObject([
        { purpose: "unknown", reason: expect.stringContaining(`"${info}"`) },
      ]);
    },
  );

  test("a title names the page, the heading, and the number of the block under it", () => {
    const block = ["```ts", "1;", "```"];
    const titles = page(...block, "# One", ...block, ...block, "## Two", ...block).map(({ title }) => title);
    expect(titles).toEqual([
      "page.md, before the first heading: block 1",
      `page.md, "One": block 1`,
      `page.md, "One": block 2`,
      `page.md, "Two": block 1`,
    ]);
  });

  test("a prelude of several lines belongs to the block directly behind it, and to no other", () => {
    const blocks = page(
      "<!-- prelude:",
      "const a = 1;",
      "-->",
      "```ts",
      "a;",
      "```",
      "",
      "```ts",
      "b;",
      "```",
    );
    expect(blocks.map(({ prelude, preludeLine, line }) => [prelude.trim(), preludeLine, line])).toEqual([
      ["const a = 1;", 1, 5],
      ["", 0, 9],
    ]);
  });

  test("a prelude with an empty line behind it belongs to nothing, which is an error", () => {
    expect(() => page("<!-- prelude: const a = 1; -->", "", "```ts", "a;", "```")).toThrow(
      /page\.md:1: .*prelude/,
    );
  });

  test("a heading in a block is none, and a block in a list loses the list's indent", () => {
    const [block] = page("- so:", "  ```ts", "  if (true) {", "    # no heading", "  }", "  ```");
    expect(block?.text).toBe("if (true) {\n  # no heading\n}");
  });

  test("a fence without an end is an error", () => {
    expect(() => page("text", "```ts", "1;")).toThrow("page.md:2: the fence has no end");
  });
});

describe("compiling", () => {
  const source = (text: string, prelude = ""): Source => ({
    title: "",
    page: "page.md",
    prelude,
    preludeLine: 1,
    text,
    line: 10,
  });

  test("names the line of the page, of the text as of the prelude, and keeps each source to itself", () => {
    const sources = [
      source(`import { LimitSet } from "limitset";\nnew LimitSet().tryAcquire({ tokens: 1 });`),
      source("const a: number = b;", "\nconst b = missing;\n"),
      source("const b = 1;\nb;"),
    ];
    const errors = [...compile(sources).values()];
    expect(errors).toEqual([
      [expect.stringMatching(/^page\.md:11: TS\d+: .*'tokens' does not exist/)],
      ["page.md:2: TS2304: Cannot find name 'missing'."],
      [],
    ]);
  }, 60_000);
});

describe("completing the examples of docstrings", () => {
  const docstring = (example: string, path = "src/limit-set.ts") =>
    examplesOf(
      path,
      `/**\n * Does it.\n *\n * @example\n${example}\n * @throws never\n */\nexport class It {}\n`,
    );

  test("adds imports and declarations of what an example uses and does not define", () => {
    const [example] = docstring(" * limits.tryAcquire();\n * new RateLimit(options); // limit");
    expect(example).toMatchObject({ title: "src/limit-set.ts, It", line: 4, isComplete: false });
    expect(example?.text).toBe("\nlimits.tryAcquire();\nnew RateLimit(options); // limit");
    expect(example?.prelude.split("\n")).toEqual([
      `import { LimitSet } from "limitset";`,
      `import { RateLimit } from "limitset";`,
      `declare const limits: LimitSet<"tokens" | "connections">;`,
    ]);
  });

  test("adds nothing that an example defines, and nothing for the names of members", () => {
    const [example] = docstring(
      ` * const limits = new Map([["handle", { client: 1 }]]);\n * limits.get("url")?.client;`,
    );
    expect(example).toMatchObject({ prelude: "", isComplete: true });
  });

  test("a Worker is limitset's in the room of workers, and the platform's elsewhere", () => {
    const example = " * class Mine extends Worker {}";
    expect(docstring(example)[0]?.prelude).toBe("");
    expect(docstring(example, "src/worker/worker.ts")[0]?.prelude).toContain(`from "limitset/worker"`);
  });
});

describe("comparing values with comments", () => {
  const compared = (text: string) => withComparisons({ text, page: "page.md", line: 5 });

  test.each([
    ["1 + 1; // 2", `$compare(1 + 1, 2, "page.md:5"); // 2`],
    ["await f()\t// undefined", `$compare(await f(), undefined, "page.md:5")\t// undefined`],
    [
      "a.b; // { tokens: -1, all: [true, null] }",
      /^\$compare\(a\.b, \{ tokens: -1, all: \[true, null\] \}, /,
    ],
    [`f(() => {\n});   // "hello"`, /^\$compare\(f\(\(\) => \{\n\}\), "hello", "page\.md:6"\)/],
  ])("%j is compared", (text, made) => {
    if (typeof made === "string") expect(compared(text)).toBe(made);
    else expect(compared(text)).toMatch(made);
  });

  test.each([
    "f(); // waits",
    "f(); // 50 of debt",
    "const a = 1; // 1",
    "f(); // see g()",
    "f(); /* 1 */",
    "f();\n// 1",
  ])("%j is left as it is", (text) => {
    expect(compared(text)).toBe(text);
  });
});

describe("running", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await programFolder();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const run = (text: string) => runExample(process.execPath, folder, "example.js", blockOf(text));
  const blockOf = (text: string): Block => page("```ts run", ...text.split("\n"), "```")[0]!;

  test("an example may use the package, types, `using` and `await`", async () => {
    await run(`import { CallLimit, LimitSet } from "limitset";
      const limits: LimitSet<"call_count"> = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })] });
      {
        using acquisition = await limits.acquire();
        acquisition.requested; // { call_count: 1 }
      }
      limits.tryAcquire().successful; // false`);
  });

  test.each([
    ["throws", `throw new Error("so");`, /so/],
    ["leaves a rejection unhandled", `void Promise.reject(new Error("so"));`, /so/],
    ["exits with a code", "process.exit(3);", /Command failed/],
    [
      "has a value that is not its comment's",
      "1 + 1; // 3",
      /page\.md:2: the value is 2, the comment says 3/,
    ],
  ])("an example that %s fails", async (_, text, message) => {
    await expect(run(text)).rejects.toThrow(message);
  });
});
