/** A host that never answers: the peer learns that there is none, and why, and nothing waits for ever. */
import { fork } from "node:child_process";
import { errorMonitor, once } from "node:events";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { MessageChannel, Worker } from "node:worker_threads";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { BackendUnavailableError, InvalidRequestError, LimitSet } from "../../src/index.ts";
import { type ConnectedLimits, connectLimits, type EndpointLike, serveLimits } from "../../src/port/index.ts";
import { resource } from "../conformance/tools.ts";
import { jsonChannel } from "./channels.ts";

afterEach(() => {
  vi.useRealTimers();
});

const failure = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
const turns = async (count = 6) => {
  for (let i = 0; i < count; i++) await nextTurn();
};

/** Everything that can wait for the host. */
function requestsOf(limits: ConnectedLimits) {
  const { signal } = new AbortController();
  return [
    limits.ready,
    limits.acquire({ db: 1 }),
    limits.acquire({ db: 1 }, { timeoutMs: 3_600_000, signal }),
    limits.tryAcquire({ db: 1 }),
    limits.peek({ db: 1 }),
    limits.run({ db: 1 }, () => 1),
    limits.stats(),
  ].map(failure);
}

/** Expects that everything rejects with one error, and returns it. */
async function expectLost(limits: ConnectedLimits, waiting = requestsOf(limits)): Promise<Error> {
  const errors = await Promise.all(waiting);
  const error = errors[0] as Error;
  for (const each of errors) expect(each).toBe(error);
  expect(error).toBeInstanceOf(BackendUnavailableError);
  expect(await failure(limits.acquire())).toBe(error);
  expect(() => limits.keys).toThrow(error);
  return error;
}

describe("the deadline of a host that does not answer", () => {
  const fake = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });

  test.each([
    [undefined, 25_000],
    [100, 100],
    [90_000, 90_000],
  ])("deadlineMs %s", async (deadlineMs, ms) => {
    fake();
    const { here } = jsonChannel();
    const limits = connectLimits(here, deadlineMs === undefined ? {} : { deadlineMs });
    const waiting = requestsOf(limits);
    let isOver = false;
    void waiting[0]!.then(() => {
      isOver = true;
    });
    vi.advanceTimersByTime(ms - 1);
    await turns();
    expect(isOver).toBe(false);
    vi.advanceTimersByTime(1);
    expect((await expectLost(limits, waiting)).message).toContain(`not answered within ${ms} ms`);
    limits.close();
  });

  test("Infinity waits for a host that starts at any time", async () => {
    fake();
    const { here, there } = jsonChannel();
    const limits = connectLimits(here, { deadlineMs: Number.POSITIVE_INFINITY });
    const stats = limits.stats();
    vi.advanceTimersByTime(40 * 86_400_000);
    await turns();
    serveLimits(new LimitSet({ limits: [resource("db", 1)] }), there);
    expect(Object.keys(await stats)).toEqual(["db"]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("does not count an answer as missing that arrived while the event loop was blocked", async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    serveLimits(new LimitSet({ limits: [resource("db", 1)] }), port2);
    const limits = connectLimits(port1, { deadlineMs: 50 });
    await Promise.resolve();
    const patient = connectLimits(port1, { deadlineMs: 1_000 }).acquire({ db: 1 }, { timeoutMs: 0 });
    await turns(1); // The requests are sent, and the answers on their way.
    const until = performance.now() + 1_100;
    while (performance.now() < until);
    await limits.ready;
    expect((await patient).requested).toEqual({ db: 1 });
  });

  test.each([0, -1, Number.NaN, "1", null])("%j is no deadlineMs", (deadlineMs) => {
    const { here } = jsonChannel();
    expect(() => connectLimits(here, { deadlineMs: deadlineMs as never })).toThrow(InvalidRequestError);
    expect(() => connectLimits(here, { deadlineMs: deadlineMs as never })).toThrow("deadlineMs");
  });
});

test("an endpoint that throws ends the connection, and its error is the cause", async () => {
  const broken = new Error("no carrier");
  const send = () => {
    throw broken;
  };
  const limits = connectLimits({ send, receive: () => () => {} });
  const error = await expectLost(limits);
  expect(error.message).toContain("no carrier");
  expect(error.cause).toBe(broken);
});

/** A page's worker as `connectLimits` sees it. */
class Page extends EventTarget {
  readonly sent: unknown[] = [];
  postMessage(message: unknown) {
    this.sent.push(message);
  }
  terminate() {}
  fail(type: string, fields: object = {}) {
    this.dispatchEvent(Object.assign(new Event(type), fields));
  }
}

describe("a worker of a page", () => {
  test("that cannot be loaded ends the connection at once, and the error says what may be wrong", async () => {
    const page = new Page();
    const limits = connectLimits(page);
    const waiting = requestsOf(limits);
    page.fail("error");
    expect((await expectLost(limits, waiting)).message).toMatch(
      /could not be loaded.*Content-Security-Policy/,
    );
  });

  test.each(["error", "messageerror"])("with an %s has another second to answer", async (type) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const cause = new Error("boom");
    const fields =
      type === "error" ? { message: "Error: boom", error: cause, filename: "w.js", lineno: 7 } : {};
    const page = new Page();
    const limits = connectLimits(page);
    await turns();
    page.fail(type, fields);
    page.fail(type, fields);
    await turns();
    expect(page.sent).toHaveLength(2);
    const waiting = requestsOf(limits);
    vi.advanceTimersByTime(1_000);
    const error = await expectLost(limits, waiting);
    if (type === "error") {
      expect(error.message).toContain("its worker failed: Error: boom (w.js:7)");
      expect(error.cause).toBe(cause);
    } else {
      expect(error.message).toContain("cannot be read");
    }
  });

  test("that throws, and tells of its end, ends the connection at once, with the error", async () => {
    const page = new Page();
    const limits = connectLimits(page);
    page.fail("error", { message: "ModuleNotFound" });
    page.fail("close");
    expect((await expectLost(limits)).message).toContain("is gone: its worker failed: ModuleNotFound");
  });

  test("with an error that catches itself is not given up, nor by errors later on", async () => {
    const { port1, port2 } = new MessageChannel();
    onTestFinished(() => port1.close());
    const page = Object.assign(new Page(), { postMessage: (message: unknown) => port1.postMessage(message) });
    port1.on("message", (data) => page.fail("message", { data }));
    const limits = connectLimits(page);
    page.fail("error", { message: "Error: boom" });
    serveLimits(new LimitSet({ limits: [resource("db", 1)] }), port2);
    const held = await limits.acquire({ db: 1 });
    page.fail("error", { message: "Error: boom" });
    page.fail("error");
    page.fail("messageerror");
    expect(Object.keys(await limits.stats())).toEqual(["db"]);
    expect(held.signal.aborted).toBe(false);
    limits.close();
  });
});

describe("a thread of Node", () => {
  const data = (code: string) => new URL(`data:text/javascript,${encodeURIComponent(code)}`);

  test.each([
    ["whose file does not exist", new URL("./not-there.js", import.meta.url), "not-there"],
    ["that throws while it is loaded", data(`throw new TypeError("no set today")`), "no set today"],
    ["that exits", data(`process.exit(3)`), "exited with code 3"],
    ["that ends and serves nothing", data("1"), "exited with code 0"],
  ])("%s ends the connection, with the reason", async (_, url, why) => {
    const worker = new Worker(url);
    const heard: unknown[] = [];
    worker.on("error", (error) => heard.push(error));
    const limits = connectLimits(worker);
    const error = await expectLost(limits);
    expect(error.message).toContain(why);
    expect(error.cause).toBe(heard[0]);
    const again = await expectLost(connectLimits(worker));
    expect(again.message).toContain("has ended before");
  });

  test("whose error the program does not handle still ends the program", async () => {
    const program = `
      import { Worker } from "node:worker_threads";
      import { connectLimits } from ${JSON.stringify(new URL("../../dist/port/index.js", import.meta.url).href)};
      connectLimits(new Worker(new URL("data:text/javascript,throw new Error('boom')")));`;
    const { execFile } = await import("node:child_process");
    const child = execFile(process.execPath, ["--input-type=module", "-e", program]);
    let text = "";
    child.stderr!.on("data", (chunk) => {
      text += chunk;
    });
    expect(await once(child, "exit")).toEqual([1, null]);
    expect(text).toContain("boom");
  });
});

describe("a process of Node", () => {
  const missing = fileURLToPath(new URL("./not-there.js", import.meta.url));

  test("whose file does not exist ends the connection", async () => {
    const child = fork(missing, { silent: true });
    const limits = connectLimits(child as EndpointLike);
    expect((await expectLost(limits)).message).toMatch(/the host is gone/);
  });

  test("that has ended before ends the connection too", async () => {
    const child = fork(missing, { silent: true });
    await once(child, "exit");
    expect((await expectLost(connectLimits(child as EndpointLike))).message).toContain("exited with code 1");
  });
});

test("connections that are closed leave no listener on their channel", async () => {
  const set = new LimitSet({ limits: [resource("db", 1)] });
  const { port1, port2 } = new MessageChannel();
  const page = new Page();
  const heard = vi.spyOn(page, "addEventListener");
  const forgotten = vi.spyOn(page, "removeEventListener");
  const worker = new Worker(new URL("data:text/javascript,setTimeout(() => {}, 1e6)"));
  onTestFinished(async () => {
    port1.close();
    await worker.terminate();
  });
  const events = ["message", "exit", "close", "error", errorMonitor];
  const count = () => events.map((event) => worker.listenerCount(event));
  const before = count();
  for (let i = 0; i < 20; i++) {
    serveLimits(set, port2);
    const limits = connectLimits(port1);
    await limits.ready;
    limits.close();
    connectLimits(worker).close();
    connectLimits(page).close();
  }
  expect(["message", "close"].map((event) => port1.listenerCount(event))).toEqual([0, 0]);
  expect(["message", "close"].map((event) => port2.listenerCount(event))).toEqual([1, 1]);
  expect(count()).toEqual(before);
  expect(forgotten.mock.calls.map(([event]) => event).sort()).toEqual(
    heard.mock.calls.map(([event]) => event).sort(),
  );
});

test("a view cannot be served, and the error says so", () => {
  const set = new LimitSet({ limits: [{ type: "call", capacity: 2, windowMs: 1000, per: "user" }] });
  onTestFinished(() => set.close());
  const { port1, port2 } = new MessageChannel();
  onTestFinished(() => {
    port1.close();
    port2.close();
  });
  for (const view of [set.for({ user: "alice" }), set.for({ user: null })]) {
    expect(() => serveLimits(view, port1)).toThrow("a view cannot be served: serve its set");
  }
  for (const none of [5, null, undefined, {}, "set"]) {
    expect(() => serveLimits(none as never, port1)).toThrow(InvalidRequestError);
    expect(() => serveLimits(none as never, port1)).toThrow("limits must be a set of limits, got");
  }
  serveLimits(set, port1).stop();
});
