/**
 * Greedy peers in real threads and processes: the host keeps no more than its bounds say, and lives. The short form takes
 * seconds; with `LIMITSET_LONG=1` the peers ask for millions.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { InvalidLimitError, LimitSet } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";
import { describe, expect, onTestFinished, test } from "vitest";
import { resource } from "../conformance/tools.ts";
import { jsonChannel } from "./channels.ts";

const { LIMITSET_LONG }: { LIMITSET_LONG?: string } = process.env;
const isLong = LIMITSET_LONG === "1";

interface Figures {
  readonly report: Readonly<Record<string, number>>;
  readonly sent: Readonly<Record<string, number>>;
  readonly mostWaiting: number;
  readonly waiting: number;
  readonly used: number;
  readonly heapMB: number;
  readonly heapAfterMB: number;
  readonly end: { readonly turns: number };
}

async function run(scenario: string, kind: string, count: number, options: object = {}): Promise<Figures> {
  const program = fileURLToPath(new URL("./greedy-host.js", import.meta.url));
  const args = ["--expose-gc", "--no-warnings", program, scenario, kind, `${count}`, JSON.stringify(options)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  console.log(`${scenario}, ${kind}, ${count.toLocaleString("en")}: ${stdout.trim()}`);
  const figures = JSON.parse(stdout) as Figures;
  expect(figures.waiting).toBe(0);
  expect(figures.used).toBe(1);
  expect(figures.heapAfterMB).toBeLessThan(20);
  return figures;
}

// Kinds of operations that a host sends.
const WELCOME = 1;
const GRANTED = 2;
const REFUSED = 3;
const STATS = 6;

const sum = (...counts: readonly (number | undefined)[]) =>
  counts.reduce<number>((all, each) => all + (each ?? 0), 0);

describe.each(["thread", "process"])("in a %s", { timeout: isLong ? 600_000 : 60_000 }, (kind) => {
  test("requests that wait beyond maxRequests are refused, and the others leave in pieces", async () => {
    const count = isLong ? 1_000_000 : 20_000;
    const maxRequests = isLong ? undefined : 5_000;
    const most = maxRequests ?? 65_536;
    const figures = await run("waiters", kind, count, { maxRequests });
    expect(figures.mostWaiting).toBe(most);
    expect(figures.report).toEqual({ ERR_BACKEND_UNAVAILABLE: count - most });
    expect(figures.heapMB).toBeLessThan(isLong ? 300 : 60);
  });

  test("a peer with very many waiters that goes leaves them to several turns", async () => {
    const figures = await run("waiters", kind, 20_000);
    expect(figures.mostWaiting).toBe(20_000);
    expect(figures.end.turns).toBeGreaterThan(2);
  });

  test("very many aborts at once are all told", async () => {
    const count = isLong ? 65_000 : 10_000;
    const figures = await run("aborts", kind, count);
    expect(figures.report).toEqual({ aborted: count });
  });

  test("tries that no peer awaits are all answered, a few at a time", async () => {
    const count = isLong ? 1_000_000 : 20_000;
    const figures = await run("tries", kind, count);
    expect(figures.report).toEqual({ refused: count });
  });

  test("a peer that reads nothing is not answered", async () => {
    const figures = await run("deaf", kind, isLong ? 2_000_000 : 20_000);
    expect(sum(figures.sent[GRANTED], figures.sent[REFUSED], figures.sent[STATS])).toBe(0);
    expect(figures.heapMB).toBeLessThan(30);
  });

  test("a peer that stops reading is answered as far as maxUnread", async () => {
    const figures = await run("deafened", kind, isLong ? 2_000_000 : 20_000, { maxUnread: 200 });
    // It has read one mark, and may have a second one on the way.
    expect(sum(figures.sent[GRANTED], figures.sent[REFUSED], figures.sent[STATS])).toBeLessThanOrEqual(400);
    expect(figures.heapMB).toBeLessThan(30);
  });

  test.each(["sessions", "readingSessions"])("%s beyond maxSessions are not kept", async (scenario) => {
    const figures = await run(scenario, kind, isLong ? 300_000 : 20_000, { maxSessions: 300 });
    expect(figures.sent[WELCOME]).toBeLessThanOrEqual(300);
    expect(figures.heapMB).toBeLessThan(30);
  });

  test("sessions that begin, ask and end unread are greeted only so often", async () => {
    const figures = await run("churn", kind, isLong ? 100_000 : 5_000, { maxSessions: 300 });
    // Beyond the bound, one more is greeted at first, and then after pauses that double.
    expect(figures.sent[WELCOME]).toBeLessThan(320);
    expect(sum(figures.sent[GRANTED], figures.sent[REFUSED])).toBe(0);
  });
});

describe("bounds", () => {
  function served(options: object) {
    const set = new LimitSet({ limits: [resource("db", 2)] });
    const channel = jsonChannel();
    serveLimits(set, channel.there, options);
    const connect = () => {
      const limits = connectLimits<"db">(channel.here);
      onTestFinished(() => limits.close());
      return limits;
    };
    return { set, channel, connect };
  }

  test("maxRequests counts what waits and what is held, of all connections; the error says so", async () => {
    const { set, connect } = served({ maxRequests: 3 });
    const [first, second] = [connect(), connect()];
    const held = await first.acquire({ db: 2 });
    const waiting = [first.acquire({ db: 1 }), second.acquire({ db: 1 })];
    await second.stats();
    await expect(second.acquire({ db: 1 })).rejects.toMatchObject({
      code: "ERR_BACKEND_UNAVAILABLE",
      message: expect.stringContaining("3 wait or are held, its maxRequests"),
    });
    await expect(second.tryAcquire({ db: 0 })).rejects.toThrow("maxRequests");
    expect(set.waiting).toBe(2);
    held.release();
    for (const each of await Promise.all(waiting)) each.release();
    expect((await second.tryAcquire({ db: 2 })).successful).toBe(true);
  });

  test("a connection beyond maxSessions ends, and one that closes makes room", async () => {
    const { connect } = served({ maxSessions: 2 });
    const [first, second] = [connect(), connect()];
    await Promise.all([first.ready, second.ready]);
    await expect(connect().ready).rejects.toMatchObject({
      code: "ERR_BACKEND_UNAVAILABLE",
      message: expect.stringContaining("2 connections, the host's maxSessions"),
    });
    first.close();
    const third = connect();
    await third.ready;
    expect((await third.tryAcquire({ db: 1 })).successful).toBe(true);
  });

  test.each([1, 2, 7])(
    "a peer keeps to maxUnread %i by itself, and every request is answered",
    async (maxUnread) => {
      const { connect, channel } = served({ maxUnread });
      const limits = connect();
      await limits.ready;
      const tried: number[] = [];
      const ask = async (i: number) => {
        if (i % 3 === 0) {
          (await limits.acquire({ db: 1 })).release();
        } else {
          await limits.tryAcquire({ db: 0 });
          tried.push(i);
        }
        if (i % 10 === 0) await limits.stats();
      };
      const all = Array.from({ length: 100 }, (_, i) => i);
      await Promise.all(all.map(ask));
      expect(tried).toEqual(all.filter((i) => i % 3 !== 0));
      expect(JSON.stringify(channel.sent.there)).not.toContain("without reading");
    },
  );

  test("Infinity is no bound", async () => {
    const { connect } = served({
      maxUnread: Number.POSITIVE_INFINITY,
      maxRequests: Number.POSITIVE_INFINITY,
      maxSessions: Number.POSITIVE_INFINITY,
    });
    const limits = connect();
    const tried = await Promise.all(Array.from({ length: 3_000 }, () => limits.tryAcquire({ db: 0 })));
    expect(tried.every(({ successful }) => successful)).toBe(true);
  });

  test("releases that are kept back are sent before the connection closes", async () => {
    const set = new LimitSet({
      limits: [{ type: "rate", key: "tokens", capacity: 100, windowMs: 3_600_000 }],
    });
    const channel = jsonChannel();
    serveLimits(set, channel.there, { maxUnread: 1 });
    const limits = connectLimits<"tokens">(channel.here);
    const acquisition = await limits.acquire({ tokens: 60 });
    for (let i = 0; i < 5; i++) limits.tryAcquire({ tokens: 1 }).catch(() => {});
    acquisition.update({ tokens: 10 });
    acquisition.release();
    limits.close();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(set.stats().tokens.used).toBe(10);
  });

  test.each(["maxRequests", "maxSessions", "maxUnread"])(
    "%s has to be a whole number from 1, or Infinity",
    (name) => {
      for (const bound of [0, -1, 1.5, Number.NaN, "10", null]) {
        expect(() => served({ [name]: bound })).toThrow(InvalidLimitError);
        expect(() => served({ [name]: bound })).toThrow(`${name} must be a whole number from 1, or Infinity`);
      }
    },
  );

  test("connections that were closed before they could read do not shut others out", async () => {
    const { connect } = served({ maxSessions: 5 });
    for (let i = 0; i < 20; i++) connect().close();
    const limits = connect();
    await limits.ready;
    const others = [connect(), connect()];
    await Promise.all(others.map(({ ready }) => ready));
  });
});
