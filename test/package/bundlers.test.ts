/** Bundles of the package: they work, and leave out what the program does not import. */
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { beforeAll, describe, expect, test } from "vitest";
import webpack from "webpack";
import { appFolder, workFolder } from "./app.ts";

type Bundle = (entry: string, folder: string) => Promise<void>;

/** Each bundles `entry` for pages with its default settings, into the file bundle.js of a folder. */
const BUNDLERS: Record<string, Bundle> = {
  esbuild: async (entry, folder) => {
    const outfile = join(folder, "bundle.js");
    await esbuild({ entryPoints: [entry], outfile, bundle: true, minify: true, format: "esm" });
  },
  vite: async (entry, folder) => {
    const output = { entryFileNames: "bundle.js", codeSplitting: false };
    await vite({
      configFile: false,
      root: folder,
      logLevel: "error",
      build: {
        outDir: folder,
        emptyOutDir: false,
        modulePreload: false,
        rolldownOptions: { input: entry, output },
      },
    });
  },
  webpack: async (entry, folder) => {
    const compiler = webpack({
      mode: "production",
      entry,
      context: folder,
      performance: false,
      output: { path: folder, filename: "bundle.js" },
    });
    const stats = await promisify(compiler.run.bind(compiler))();
    const { errors = [], warnings = [] } = stats?.toJson() ?? {};
    expect([...errors, ...warnings].map(({ message }) => message)).toEqual([]);
  },
};

let app: string;
beforeAll(async () => {
  app = await appFolder();
});

async function bundle(how: string, program: string): Promise<string> {
  const folder = await workFolder(app);
  await writeFile(join(folder, "entry.js"), program);
  await BUNDLERS[how]!(join(folder, "entry.js"), folder);
  return join(folder, "bundle.js");
}

// The first bytes of a WebAssembly module: as they are, or with the first one escaped.
const CORE = /(?:\0|\\0|\\x00|\\u0000)asm/;
const SCRIPT = /redis\.call/i;
// By which threads wait for each other.
const THREADS = /waitAsync/;

describe.each(Object.keys(BUNDLERS))("%s", (how) => {
  test("makes a bundle that works, with the core inside and nothing to fetch", async () => {
    const path = await bundle(
      how,
      `import { CallLimit, LimitSet } from "limitset";
       const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000 })] });
       console.log(limits.tryAcquire().successful, limits.tryAcquire().successful);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    expect(stdout).toBe("true false\n");
    const text = await readFile(path, "utf8");
    expect(text).toMatch(CORE);
    expect(text).not.toMatch(SCRIPT);
    expect(text).not.toContain("connectLimits");
    expect(text).not.toMatch(THREADS);
  });

  test("has what threads need where they are imported", async () => {
    const path = await bundle(
      how,
      `import { LimitSet, ResourceLimit } from "limitset";
       import { attachLimits, shareLimits } from "limitset/threads";
       const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 3 })] });
       attachLimits(shareLimits(limits).handle).tryAcquire({ db: 2 });
       console.log(limits.stats().db.used);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [path]);
    expect(stdout).toBe("2\n");
    expect(await readFile(path, "utf8")).toMatch(THREADS);
  });

  test.each([
    [
      "an error's class",
      `import { AcquireTimeoutError } from "limitset"; console.log(AcquireTimeoutError);`,
      3_400,
    ],
    ["a limit", `import { RateLimit } from "limitset"; console.log(RateLimit);`, 9_000],
    ["ManualClock", `import { ManualClock } from "limitset/testing"; console.log(ManualClock);`, 3_000],
    ["nothing", `import "limitset"; import "limitset/port"; import "limitset/worker";`, 100],
  ])("leaves the rest out for %s alone", async (_, program, most) => {
    const text = await readFile(await bundle(how, program), "utf8");
    expect(text).not.toMatch(CORE);
    expect(text.length).toBeLessThan(most);
  });
});
