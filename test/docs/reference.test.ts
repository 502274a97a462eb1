/** The API reference: every public name has a docstring, and the pages are those that the docstrings make. */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeReference } from "../../scripts/docs.js";
import { publicEntries } from "../../scripts/entries.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const committed = join(root, "docs", "reference");

let made: string;
let wrong: readonly string[];

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), "limitset-reference-"));
  wrong = await writeReference(made);
}, 120_000);
afterAll(() => rm(made, { recursive: true, force: true }));

const pagesOf = async (folder: string) => (await readdir(folder)).sort();

test("every public name, member, option and field has a docstring, and all that docstrings link to exists", () => {
  expect(wrong).toEqual([]);
});

test("the reference has one page for each public entry, and an index", async () => {
  const names = [...publicEntries().keys()].map((name) => `${name.slice(name.lastIndexOf("/") + 1)}.md`);
  expect(await pagesOf(made)).toEqual(["README.md", ...names].sort());
});

test("the committed reference has the pages that `npm run docs` makes now", async () => {
  expect(await pagesOf(committed)).toEqual(await pagesOf(made));
});

test("each page of the committed reference has the text that `npm run docs` makes now", async () => {
  for (const name of await pagesOf(made)) {
    const text = await readFile(join(committed, name), "utf8").catch(() => "");
    expect(text, name).toBe(await readFile(join(made, name), "utf8"));
  }
});

test("the reference has no paths of the machine that made it, and no places in the source, which move", async () => {
  for (const name of await pagesOf(made)) {
    const text = await readFile(join(made, name), "utf8");
    expect(text, name).not.toContain(root);
    expect(text, name).not.toMatch(/Defined in|\.ts:\d/);
  }
});
