/** The sizes of parts of the package in a bundle. (`test/core/text.test.ts` has the core's own bound.) */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { appFolder, workFolder } from "./app.ts";

/** Program -> the most bytes of its bundle, minified and gzipped. */
const MOST_BYTES: Readonly<Record<string, number>> = {
  // All exports: sets, limits, errors and the core, which has debts of one word and of two, and calendars.
  'export * from "limitset"': 57_500,
  'export { LimitSet, RateLimit } from "limitset"': 57_100,
  'export { connectLimits } from "limitset/port"': 21_200,
  // Its own text, the name and the class that survive minifiers and copies.
  'export { CannotBlockError } from "limitset"': 500,
};

/** The set, and programs that use it -> the most bytes that they have more than the set alone. */
const SET = 'export * from "limitset";';
const MOST_BYTES_MORE: Readonly<Record<string, number>> = {
  'export { limitFetch } from "limitset/fetch"; export { openai } from "limitset/llm";': 7_100,
  'export { guard } from "limitset/http";': 10_500,
};

async function bytesOf(program: string): Promise<number> {
  const folder = await workFolder(await appFolder());
  const outfile = join(folder, "bundle.js");
  await writeFile(join(folder, "entry.js"), program);
  await build({
    entryPoints: [join(folder, "entry.js")],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
  });
  return gzipSync(await readFile(outfile), { level: 9 }).length;
}

test.each(Object.entries(MOST_BYTES))(
  "%s, minified and gzipped, has %i bytes at most",
  async (program, most) => {
    expect(await bytesOf(program)).toBeLessThanOrEqual(most);
  },
);

test.each(Object.entries(MOST_BYTES_MORE))(
  "%s, beside the set, minified and gzipped, has %i bytes at most",
  async (program, most) => {
    expect((await bytesOf(SET + program)) - (await bytesOf(SET))).toBeLessThanOrEqual(most);
  },
);
