import { spawn } from "node:child_process";
import { once } from "node:events";
import { DeadlockError, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { shareLimits } from "limitset/threads";
import { describe, expect, test } from "vitest";
import { SLEEPERS, WAKE } from "../../assembly/layout.ts";
import { Peer } from "./peer.ts";

const HOUR_MS = 3_600_000;
const any = (limits: unknown) => limits as LimitSet<never>;

function make(capacity = 1) {
  return new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity }),
      new RateLimit({ key: "tokens", capacity: 100, windowMs: HOUR_MS }),
    ],
    missingUpdate: "charge",
  });
}

describe("a release", () => {
  test("on one thread wakes a waiter on another, both ways", async () => {
    const limits = make();
    const peer = new Peer(any(limits));
    await peer.do("take", { db: 1 });
    const here = limits.acquire({ db: 1 });
    await peer.do("release");
    const held = await here;
    const there = peer.do("acquire", { db: 1 });
    // The thread answers in order: when this is answered, it waits.
    expect(await peer.do("used", "db")).toBe(1);
    held.release();
    expect(await there).toBe(true);
  });

  test("of unused tokens wakes too", async () => {
    const limits = make(2);
    const peer = new Peer(any(limits));
    const held = limits.tryAcquire({ tokens: 100, db: 0 });
    const there = peer.do("acquire", { tokens: 50, db: 0 });
    expect(await peer.do("used", "tokens")).toBe(100);
    held.update({ tokens: 10 });
    held.release();
    expect(await there).toBe(true);
  });

  test("wakes no thread where none sleeps", async () => {
    const limits = make();
    const peer = new Peer(any(limits));
    const { memory, start } = peer.shared!.handle as unknown as { memory: WebAssembly.Memory; start: number };
    const words = new Int32Array(memory.buffer, start);
    for (let i = 0; i < 100; i++) limits.tryAcquire({ db: 1 }).release();
    expect([words[WAKE / 4], words[SLEEPERS / 4]]).toEqual([0, 0]);
    await peer.do("take", { db: 1 });
    const waiter = limits.acquire({ db: 1 });
    expect(words[SLEEPERS / 4]).toBe(1);
    await peer.do("release");
    (await waiter).release();
    const woken = words[WAKE / 4];
    for (let i = 0; i < 100; i++) limits.tryAcquire({ db: 1 }).release();
    expect(words[WAKE / 4]! - woken!).toBeLessThanOrEqual(1);
  });
});

describe("a thread blocked in acquireSync", () => {
  test("wakes when another releases", async () => {
    const limits = make();
    const held = limits.tryAcquire({ db: 1 });
    const peer = new Peer(any(limits));
    await peer.do("thread");
    const blocked = peer.do<number>("acquireSync", { db: 1 });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const releasedAt = performance.timeOrigin + performance.now();
    held.release();
    expect(await blocked).toBeGreaterThanOrEqual(releasedAt - 0.1);
    expect(limits.stats().db.used).toBe(1);
  });

  test("gives up in time, and takes nothing", async () => {
    const limits = make();
    const held = limits.tryAcquire({ db: 1 });
    const peer = new Peer(any(limits));
    const blocked = peer.do("acquireSync", { db: 1 }, { timeoutMs: 30 });
    await expect(blocked).rejects.toMatchObject({ code: "ERR_ACQUIRE_TIMEOUT" });
    held.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("gets an error at once if it holds the resource that it waits for", async () => {
    const limits = make(2);
    limits.tryAcquire({ db: 1 });
    const peer = new Peer(any(limits));
    await peer.do("take", { db: 1 });
    await expect(peer.do("acquireSync", { db: 2 })).rejects.toMatchObject({ code: "ERR_DEADLOCK" });
  });
});

test("a waiter that gives up leaves nothing behind", async () => {
  const limits = make();
  const peer = new Peer(any(limits));
  await peer.do("take", { db: 1 });
  const controller = new AbortController();
  const aborted = limits.acquire({ db: 1 }, { signal: controller.signal });
  const late = limits.acquire({ db: 1 }, { timeoutMs: 30 });
  await expect(late).rejects.toMatchObject({ code: "ERR_ACQUIRE_TIMEOUT" });
  controller.abort(new Error("enough"));
  await expect(aborted).rejects.toThrow("enough");
  await peer.do("release");
  expect(await peer.do("take", { db: 1 })).toBe(true);
  expect(limits.waiting).toBe(0);
});

/** Runs a script in a process of its own. Resolves to its output once it has ended by itself. */
async function run(script: string): Promise<string> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: new URL("../../", import.meta.url),
  });
  let printed = "";
  child.stdout.on("data", (data) => {
    printed += data;
  });
  await once(child, "close");
  return printed;
}

const SETUP = `import { LimitSet, ResourceLimit } from "limitset";
import { attachLimits, shareLimits } from "limitset/threads";
const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
const peer = attachLimits(shareLimits(limits).handle);
const held = peer.tryAcquire();
`;

describe("a process", () => {
  test("ends with a shared set in it", async () => {
    expect(await run(`${SETUP} console.log(held.successful);`)).toBe("true\n");
  });

  test("does not end while a request waits, and ends afterwards", async () => {
    const script = `${SETUP}
      const timer = setTimeout(() => held.release(), 300);
      timer.unref();
      const waiter = limits.acquire();
      // Nothing but the waiter keeps the process alive now.
      await waiter;
      console.log("granted");`;
    expect(await run(script)).toBe("granted\n");
  });

  test("reads the wake word from time to time where the platform cannot wait for it", async () => {
    const script = `delete Atomics.waitAsync;
      ${SETUP.replaceAll("import {", "const {").replaceAll(/} from ("limitset.*")/g, "} = await import($1)")}
      setTimeout(() => held.release(), 50);
      (await limits.acquire()).release();
      console.log("granted");`;
    expect(await run(script)).toBe("granted\n");
  });
});

describe("a blocking request of a thread that holds the partition itself", () => {
  const each = (key: string) => new ResourceLimit({ key, capacity: 1, per: "user" });

  test("is an error at once", () => {
    const limits = new LimitSet({ limits: [each("db")], maxThreads: 2 });
    shareLimits(limits);
    const view = limits.for({ user: "a" });
    const held = view.acquireSync();
    expect(limits.for({ user: "b" }).acquireSync().successful).toBe(true);
    const again = () => view.acquireSync(undefined, { timeoutMs: 10_000 });
    expect(again).toThrow(DeadlockError);
    // The partition has not gone over to the next region by itself.
    limits.redefine([each("db"), new ResourceLimit({ key: "other", capacity: 1 })]);
    expect(again).toThrow(DeadlockError);
    held.release();
    expect(again().successful).toBe(true);
    limits.close();
  });
});
