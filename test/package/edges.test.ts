/** Bundles where a program is no page and no process: a SharedWorker and a service worker of a browser, and an edge runtime. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { beforeAll, describe, expect, onTestFinished } from "vitest";
import { find, testIn } from "../installed.ts";
import { launchChromium, visit } from "../runtimes/runtimes.ts";
import { serve } from "../runtimes/server.ts";
import { appFolder, workFolder } from "./app.ts";

/** Takes, refuses and waits, and returns what it saw. */
const STEPS = `
import { InvalidRequestError, LimitSet, ResourceLimit } from "limitset";
export const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
export async function steps() {
  const held = await limits.acquire();
  const refused = limits.tryAcquire().successful;
  const waiter = limits.acquire();
  held.release();
  (await waiter).release();
  const error = await limits.acquire({ db: 7 }).catch((error) => error);
  return [refused, limits.stats().db.used, error instanceof InvalidRequestError, error.name];
}`;
const SEEN = [false, 0, true, "InvalidRequestError"];

let app: string;
let folder: string;
beforeAll(async () => {
  app = await appFolder();
  folder = await workFolder(app);
  await writeFile(join(folder, "steps.js"), STEPS);
});

async function bundle(name: string, program: string, format: "esm" | "iife", conditions: string[] = []) {
  const entry = join(folder, `${name}.source.js`);
  const outfile = join(folder, `${name}.js`);
  await writeFile(entry, program);
  await build({ entryPoints: [entry], outfile, bundle: true, minify: true, format, conditions });
  return outfile;
}

async function pageOf(name: string, program: string): Promise<string> {
  await writeFile(
    join(folder, `${name}.html`),
    `<!doctype html><title>x</title><script type="module" src="${name}.js"></script>`,
  );
  await bundle(name, program, "esm");
  return `work/${basename(folder)}/${name}.html`;
}

describe("Chromium", () => {
  const testHere = testIn("chromium");
  const seenOn = async (path: string) => {
    const site = await serve(false, { folder: app });
    onTestFinished(site.close);
    return (await visit(launchChromium, `${site.url}/${path}`)).seen;
  };

  testHere("a SharedWorker decides, and serves its set to the page", async () => {
    await bundle(
      "shared",
      `import { serveLimits } from "limitset/port";
       import { limits, steps } from "./steps.js";
       const seen = steps();
       addEventListener("connect", async (event) => {
         serveLimits(limits, event);
         event.ports[0].postMessage({ seen: await seen });
       });`,
      "esm",
    );
    const path = await pageOf(
      "shared-page",
      `import { connectLimits } from "limitset/port";
       const worker = new SharedWorker(new URL("shared.js", import.meta.url), { type: "module" });
       globalThis.seen = (async () => {
         const told = new Promise((resolve) => worker.port.addEventListener("message", ({ data }) => data.seen && resolve(data.seen)));
         const limits = connectLimits(worker);
         const acquisition = await limits.acquire({ db: 1 });
         return [acquisition.requested, await told];
       })();`,
    );
    expect(await seenOn(path)).toEqual([{ db: 1 }, SEEN]);
  });

  testHere("a service worker decides", async () => {
    await bundle(
      "service",
      `import { steps } from "./steps.js";
       addEventListener("install", (event) => event.waitUntil(skipWaiting()));
       addEventListener("message", async (event) => event.source.postMessage(await steps()));`,
      "iife",
    );
    const path = await pageOf(
      "service-page",
      `globalThis.seen = (async () => {
         const told = new Promise((resolve) => navigator.serviceWorker.addEventListener("message", ({ data }) => resolve(data)));
         await navigator.serviceWorker.register("service.js");
         (await navigator.serviceWorker.ready).active.postMessage("go");
         navigator.serviceWorker.startMessages();
         return told;
       })();`,
    );
    expect(await seenOn(path)).toEqual(SEEN);
  });
});

describe("edge-runtime", () => {
  const command = "edge-runtime/dist/cli/index.js";

  testIn(command)("a bundle with the condition edge-light decides at a request", async () => {
    const path = await bundle(
      "edge",
      `import { steps } from "./steps.js";
       addEventListener("fetch", (event) => event.respondWith(steps().then((seen) => Response.json(seen))));`,
      "iife",
      ["edge-light"],
    );
    const runner = join(folder, "run-edge.cjs");
    await writeFile(
      runner,
      `const { EdgeRuntime } = require(${JSON.stringify(join(find(command)!, "../../index.js"))});
       const runtime = new EdgeRuntime({ initialCode: require("node:fs").readFileSync(${JSON.stringify(path)}, "utf8") });
       runtime.dispatchFetch("http://edge/").then((response) => response.text()).then(console.log);`,
    );
    const { stdout } = await promisify(execFile)(process.execPath, [runner]);
    expect(JSON.parse(stdout)).toEqual(SEEN);
  });
});
