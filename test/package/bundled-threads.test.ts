/** Workers and shared sets in bundles: for Node, and for pages in a real browser. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import webpack from "webpack";
import { testIn } from "../installed.ts";
import { launchChromium, visit } from "../runtimes/runtimes.ts";
import { serve } from "../runtimes/server.ts";
import { appFolder, workFolder } from "./app.ts";

const SHARED = {
  "doubler.js": `
    import { Worker } from "limitset/worker";
    export class Doubler extends Worker {
      static module = import.meta.url;
      async double(value) {
        await this.limits.acquire({ db: 1 });
        return 2 * value;
      }
      fail() { return this.limits.acquire({ db: 9 }); }
    }`,
  // The program of the pool's threads and processes.
  "doubler-thread.js": `
    import { serveWorker } from "limitset/worker";
    import { Doubler } from "./doubler.js";
    serveWorker(Doubler);`,
  "steps.js": `
    import { InvalidRequestError, LimitSet, ResourceLimit } from "limitset";
    import { Doubler } from "./doubler.js";
    export const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
    export async function doubled(options) {
      const pool = Doubler.options({ maxWorkers: 2, limits, ...options }).init();
      try {
        const values = await Promise.all([pool.double(1), pool.double(2), pool.double(3)]);
        const error = await pool.fail().catch((error) => error);
        return [...values, error instanceof InvalidRequestError && error.name];
      } finally {
        await pool.stop();
      }
    }
    export const errorOf = (promise) => promise.then(String, ({ name, code, message }) => ({ name, code, message }));`,
};

const FOR_NODE = {
  ...SHARED,
  "attaching.js": `
    import { parentPort, workerData } from "node:worker_threads";
    import { attachLimits } from "limitset/threads";
    parentPort.postMessage(attachLimits(workerData).tryAcquire({ db: 1 }).successful);`,
  "main.js": `
    import { once } from "node:events";
    import { Worker } from "node:worker_threads";
    import { shareLimits } from "limitset/threads";
    import { doubled, errorOf, limits } from "./steps.js";
    const entry = new URL("doubler-thread.js", import.meta.url);
    const seen = [await doubled({ mode: "thread", entry }), await doubled({ mode: "process", entry })];
    const thread = new Worker(new URL("attaching.js", import.meta.url), { workerData: shareLimits(limits).handle });
    const [attached] = await once(thread, "message");
    seen.push([attached, limits.tryAcquire().successful]);
    for (const mode of ["thread", "process"]) seen.push(await errorOf((async () => doubled({ mode }))()));
    console.log(JSON.stringify(seen));
    process.exit();`,
};

const DOUBLED = [2, 4, 6, "InvalidRequestError"];

let app: string;
beforeAll(async () => {
  app = await appFolder();
});

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await workFolder(app);
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

test("a bundle for Node has workers on threads and in processes, and shares sets; without `entry` the error names it", async () => {
  const folder = await folderWith(FOR_NODE);
  const entryPoints = ["main.js", "doubler-thread.js", "attaching.js"].map((name) => join(folder, name));
  const outdir = join(folder, "out");
  await esbuild({ entryPoints, outdir, bundle: true, minify: true, format: "esm", platform: "node" });
  await writeFile(join(outdir, "package.json"), '{ "type": "module" }');
  const { stdout } = await promisify(execFile)(process.execPath, [join(outdir, "main.js")]);
  const unnamed = {
    name: "InvalidWorkerError",
    code: "ERR_INVALID_WORKER",
    message: expect.stringContaining("the option entry"),
  };
  expect(JSON.parse(stdout)).toEqual([DOUBLED, DOUBLED, [true, false], unnamed, unnamed]);
});

const FOR_PAGES = {
  ...SHARED,
  "attaching.js": `
    import { attachLimits } from "limitset/threads";
    addEventListener("message", ({ data }) => postMessage(attachLimits(data).tryAcquire({ db: 1 }).successful));`,
  "main.js": `
    import { shareLimits } from "limitset/threads";
    import { doubled, errorOf, limits } from "./steps.js";
    document.title = "a page";
    const entry = () => new Worker(new URL("./doubler-thread.js", import.meta.url), { type: "module" });
    async function see() {
      const seen = [await doubled({ mode: "thread", entry })];
      const thread = new Worker(new URL("./attaching.js", import.meta.url), { type: "module" });
      const attached = new Promise((resolve) => thread.addEventListener("message", ({ data }) => resolve(data)));
      shareLimits(limits, thread);
      seen.push([await attached, limits.tryAcquire().successful]);
      seen.push(await errorOf(doubled({ mode: "thread" })));
      return seen;
    }
    globalThis.seen = see();`,
  "index.html": `<!doctype html><title>before</title><script type="module" src="./main.js"></script>`,
};

/** Each builds the page of a folder for production, by default settings, and returns the path of the page in the folder. */
const PAGES: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  Vite: async (root) => {
    await vite({ configFile: false, root, base: "./", logLevel: "error", build: { outDir: "out" } });
    return "out/index.html";
  },
  webpack: async (context) => {
    const output = { path: join(context, "out"), publicPath: "auto" };
    const compiler = webpack({ mode: "production", entry: "./main.js", context, performance: false, output });
    const stats = await promisify(compiler.run.bind(compiler))();
    const { errors = [], warnings = [] } = stats?.toJson() ?? {};
    expect([...errors, ...warnings].map(({ message }) => message)).toEqual([]);
    await writeFile(join(context, "out/index.html"), `<!doctype html><script src="main.js" defer></script>`);
    return "out/index.html";
  },
};

describe.each(Object.entries(PAGES))("a page that %s has built", (_, build) => {
  testIn("chromium")(
    "has workers on threads, and shares sets; without `entry` the error names it",
    { timeout: 90_000 },
    async () => {
      const folder = await folderWith(FOR_PAGES);
      const path = await build(folder);
      const site = await serve(true, { folder: app });
      onTestFinished(site.close);
      const { seen } = await visit(launchChromium, `${site.url}/work/${basename(folder)}/${path}`);
      expect(seen).toEqual([
        DOUBLED,
        [true, false],
        {
          name: "InvalidWorkerError",
          code: "ERR_INVALID_WORKER",
          message: expect.stringContaining("the option entry"),
        },
      ]);
    },
  );
});
