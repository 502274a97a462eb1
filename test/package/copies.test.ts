/** Several copies of the package in one program: beside `import` that of `require`, and those of bundles. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { appFolder, workFolder } from "./app.ts";

let folder: string;
beforeAll(async () => {
  folder = await workFolder(await appFolder());
});

/** Two copies in one program. They have classes of their own. */
const PROGRAM = `
import { createRequire } from "node:module";
import * as one from "limitset";
import { connectLimits } from "limitset/port";
import * as workers from "limitset/worker";
const require = createRequire(import.meta.url);
const two = require("limitset");
const { serveLimits } = require("limitset/port");
const threads = require("limitset/threads");
const others = require("limitset/worker");

const thrownBy = (body) => { try { body(); } catch (error) { return error; } };

const limits = new one.LimitSet({ limits: [new two.ResourceLimit({ key: "db", capacity: 2 })] });
const seen = { distinct: one.LimitSet !== two.LimitSet && one.LimitError !== two.LimitError };

seen.errors = Object.entries(two).filter(([, value]) => value.prototype instanceof two.LimitError).map(([name, Class]) => {
  const error = Object.create(Class.prototype, { code: { value: Class.code } });
  return [name, error instanceof one[name], error instanceof one.LimitError,
    Object.keys(one).some((other) => other !== name && other !== "LimitError" && one[other].prototype instanceof one.LimitError && error instanceof one[other])];
});
const refused = thrownBy(() => new two.ResourceLimit({ key: "db", capacity: 0 }));
seen.thrown = [refused instanceof one.InvalidLimitError, refused instanceof one.InvalidRequestError, refused.name, refused.code];
const invalid = thrownBy(() => others.Worker.options({ mode: "none" }));
seen.worker = [invalid instanceof workers.InvalidWorkerError, invalid instanceof one.LimitError, invalid.name];

// One set, attached by the other copy in shared memory, and served by the other copy over a channel.
const attached = threads.attachLimits(threads.shareLimits(limits).handle);
const { port1, port2 } = new MessageChannel();
serveLimits(limits, port1);
const connected = connectLimits(port2);
await connected.ready;
const held = await connected.acquire({ db: 1 });
const tried = attached.tryAcquire({ db: 1 });
seen.used = limits.stats().db.used;
const late = await connected.acquire({ db: 1 }, { timeoutMs: 0 }).catch((error) => error);
seen.late = [late instanceof one.AcquireTimeoutError, late instanceof two.AcquireTimeoutError, late.name];
held.release();
tried.release();
connected.close();
port1.close();

// A worker of one copy, with the set of the other.
class Taker extends others.Worker {
  take() { return this.limits.tryAcquire({ db: 1 }).successful; }
}
const pool = Taker.options({ limits }).init();
seen.taken = await pool.take();
await pool.stop();
console.log(JSON.stringify(seen));
`;

const EXPECTED = {
  distinct: true,
  errors: expect.arrayContaining([["AcquireTimeoutError", true, true, false]]),
  thrown: [true, false, "InvalidLimitError", "ERR_INVALID_LIMIT"],
  worker: [true, true, "InvalidWorkerError"],
  used: 2,
  late: [true, true, "TimeoutError"],
  taken: true,
};

function expectSeen(stdout: string): void {
  const seen = JSON.parse(stdout) as { errors: [string, boolean, boolean, boolean][] };
  expect(seen).toEqual(EXPECTED);
  expect(seen.errors.length).toBeGreaterThan(14);
  expect(seen.errors.filter(([, same, known, other]) => !same || !known || other)).toEqual([]);
}

describe("the copies of `import` and of `require`", () => {
  test("work on one set, and know each other's errors", async () => {
    await writeFile(join(folder, "copies.js"), PROGRAM);
    const { stdout } = await promisify(execFile)(process.execPath, [join(folder, "copies.js")]);
    expectSeen(stdout);
  });

  test("do so in a minified bundle too, where classes have other names", async () => {
    // Bundlers see a call of \`require\` itself, and not one that was made.
    const program = PROGRAM.replace(/import \{ createRequire.*|const require = create.*/g, "");
    await writeFile(join(folder, "bundled.js"), program);
    const outfile = join(folder, "minified.mjs");
    const entryPoints = [join(folder, "bundled.js")];
    await build({ entryPoints, outfile, bundle: true, minify: true, format: "esm", platform: "node" });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    expectSeen(stdout);
  });
});

const NAMES = `
import * as limitset from "limitset";
import * as redis from "limitset/redis";
import * as cloudflare from "limitset/cloudflare";
import * as workers from "limitset/worker";
const all = { ...limitset, ...redis, ...cloudflare, ...workers };
const classes = Object.entries(all).filter(([, value]) => value.prototype instanceof limitset.LimitError);
// Errors of some classes need arguments to be made: keys, a list of keys.
console.log(JSON.stringify(classes.map(([name, Class]) => [name, new Class([], []).name])));
`;

describe("an error's name is that of its class", () => {
  test.each([
    ["as published", false],
    ["in a minified bundle", true],
  ])("%s", async (_, minify) => {
    const path = join(folder, "names.js");
    await writeFile(path, NAMES);
    const outfile = minify ? join(folder, "names-minified.mjs") : path;
    if (minify)
      await build({
        entryPoints: [path],
        outfile,
        bundle: true,
        minify,
        format: "esm",
        external: ["node:*"],
      });
    const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
    const names = JSON.parse(stdout) as [string, string][];
    expect(names.length).toBeGreaterThan(22);
    expect(names.filter(([name, own]) => own !== name)).toEqual([["AcquireTimeoutError", "TimeoutError"]]);
  });
});

test("a peer in a minified bundle and a host that is none know each other's errors", async () => {
  const host = `
    import { parentPort } from "node:worker_threads";
    import { LimitSet, ResourceLimit } from "limitset";
    import { serveLimits } from "limitset/port";
    serveLimits(new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] }), parentPort);`;
  const peer = `
    import { Worker } from "node:worker_threads";
    import { AcquireTimeoutError, InvalidRequestError } from "limitset";
    import { connectLimits } from "limitset/port";
    const limits = connectLimits(new Worker(process.argv[2]));
    await limits.ready;
    await limits.acquire();
    const late = await limits.acquire({}, { timeoutMs: 0 }).catch((error) => error);
    const wrong = await limits.acquire({ db: 5 }).catch((error) => error);
    console.log(late instanceof AcquireTimeoutError, late.name, wrong instanceof InvalidRequestError, wrong.name);
    process.exit();`;
  for (const [name, text] of Object.entries({ host, peer })) {
    await writeFile(join(folder, `${name}.js`), text);
    const outfile = join(folder, `${name}-minified.mjs`);
    const entryPoints = [join(folder, `${name}.js`)];
    await build({ entryPoints, outfile, bundle: true, minify: true, format: "esm", platform: "node" });
  }
  for (const [ours, theirs] of [
    ["peer-minified.mjs", "host.js"],
    ["peer.js", "host-minified.mjs"],
  ] as const) {
    const args = [join(folder, ours), join(folder, theirs)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(stdout).toBe("true TimeoutError true InvalidRequestError\n");
  }
});
