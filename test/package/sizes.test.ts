/** The size of the main entry in a bundle. (`test/core/text.test.ts` has the core's own bound.) */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { appFolder, workFolder } from "./app.ts";

// With all its exports: sets, limits, errors and the core, which has debts of one word and of two.
const MOST_BYTES = 20_100;

test(`the main entry, minified and gzipped, has ${MOST_BYTES} bytes at most`, async () => {
  const folder = await workFolder(await appFolder());
  const outfile = join(folder, "bundle.js");
  await writeFile(join(folder, "entry.js"), `export * from "limitset";`);
  await build({
    entryPoints: [join(folder, "entry.js")],
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
  });
  expect(gzipSync(await readFile(outfile), { level: 9 }).length).toBeLessThanOrEqual(MOST_BYTES);
});
