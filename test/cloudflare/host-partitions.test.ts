/** The partitions of a hosted set, without workerd: an object that starts again from its rows answers as one that never ended. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import type { Host, HostOptions } from "../../src/cloudflare/host.ts";
import type { Granted, Outcome, SentNames, SentRequest } from "../../src/cloudflare/protocol.ts";
import {
  type Acquisition,
  CallLimit,
  type Limit,
  LimitSet,
  type LimitStats,
  RateLimit,
  ResourceLimit,
} from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { Storage, startHost } from "./host.ts";

const limits = [
  new CallLimit({ key: "all", capacity: 100, windowMs: 1000 }),
  new CallLimit({ key: "each", capacity: 4, windowMs: 1000, per: "user" }),
  new RateLimit({
    key: "tokens",
    capacity: 10,
    windowMs: 2000,
    per: "user",
    tiers: { pro: { capacity: 100 } },
  }),
  new RateLimit({ key: "bytes", capacity: 9, windowMs: 1000, per: "address", algorithm: "sliding-window" }),
  new ResourceLimit({ key: "slots", capacity: 3, per: "user" }),
];

let storage: Storage;
let clock: ManualClock;
let ids = 0;
beforeEach(() => {
  storage = new Storage();
  clock = new ManualClock(1_700_000_000_000);
});

function start(of: readonly Limit[] = limits, queue: HostOptions["queue"] = {}): Promise<Host> {
  return startHost(storage, { limits: of, clock, queue });
}

const owner = {};
const user = (name: string | null, tier?: string): SentNames => ({ names: { user: name }, tier });

function ask(
  host: Host,
  requested: Record<string, number>,
  at: SentNames | undefined,
  extras: Partial<SentRequest> = {},
): Promise<Outcome> {
  const id = `${++ids}`;
  const all = {
    waits: false,
    timeoutMs: 0,
    around: undefined,
    descriptionId: host.description.id,
    ...extras,
  };
  return host.enter({ id, requested, at, ...all }, owner);
}

function used(host: Host, key: string, at?: SentNames): number {
  const answer = host.stats("", at);
  if (answer.kind === "failed") throw new Error(answer.error.message);
  return answer.stats[key]!.used;
}

describe("the partitions of a hosted set", () => {
  const tokensEach = [new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000, per: "user" })];

  it("are rows, of which only those that have changed are written", async () => {
    const host = await start(tokensEach);
    for (let i = 0; i < 20; i++) await ask(host, { tokens: 1 }, user(`user ${i}`));
    expect(storage.table.count("user")).toBe(20);
    const { written } = storage.table;
    await ask(host, { tokens: 1 }, user("user 3"));
    await ask(host, { tokens: 10 }, user("user 4"));
    expect(storage.table.written).toBe(written + 1);
  });

  it("go on after a restart, and are read when their names come up", async () => {
    const host = await start(tokensEach);
    for (let i = 0; i < 100; i++) await ask(host, { tokens: 1 + (i % 5) }, user(`user ${i}`));
    const reads = storage.table.reads;
    const next = await start(tokensEach);
    // The state that names share may have a row.
    expect(storage.table.reads).toBe(reads + 1);
    for (let i = 99; i >= 0; i--) expect(used(next, "tokens", user(`user ${i}`))).toBe(1 + (i % 5));
    expect(used(next, "tokens", user("another"))).toBe(0);
  });

  it("are counted, also those whose rows were not read yet", async () => {
    const queue = { partitions: { user: { max: 30 } } } as const;
    const host = await start(tokensEach, queue);
    for (let i = 0; i < 20; i++) await ask(host, { tokens: 1 }, user(`user ${i}`));
    const counts = { user: { count: 20, max: 30, shared: false } };
    expect(host.count("")).toMatchObject({ kind: "counted", counts });
    const next = await start(tokensEach, queue);
    expect(next.count("")).toMatchObject({ counts });
    for (let i = 20; i < 40; i++) await ask(next, { tokens: 1 }, user(`user ${i}`));
    expect(next.count("")).toMatchObject({ counts: { user: { count: 30, max: 30, shared: true } } });
  });

  it("lose their rows a few at a time, once they have recovered", async () => {
    let host = await start(tokensEach);
    for (const isNew of [false, true]) {
      for (let i = 0; i < 100; i++) await ask(host, { tokens: 10 }, user(`user ${i}`));
      clock.advance(1000);
      if (isNew) host = await start(tokensEach);
      for (let i = 0; i < 64; i++) {
        await ask(host, { tokens: 1 }, user("user 0"));
        clock.advance(100);
      }
      expect(storage.table.count("user")).toBe(1);
      expect(storage.kept.get("state")).toMatchObject({ counts: [1] });
    }
  });

  it("have no more states than they may, also before all rows are read", async () => {
    const queue = { partitions: { user: { max: 100, whenFull: "refuse" } } } as const;
    const host = await start(tokensEach, queue);
    for (let i = 0; i < 100; i++) await ask(host, { tokens: 10 }, user(`user ${i}`));
    const next = await start(tokensEach, queue);
    expect(await ask(next, { tokens: 1 }, user("one more"))).toMatchObject({ kind: "refused" });
    for (let i = 0; i < 100; i++) expect(used(next, "tokens", user(`user ${i}`))).toBe(10);
    clock.advance(1000);
    const last = await start(tokensEach, queue);
    for (let i = 0; i < 100; i++) {
      expect(await ask(last, { tokens: 10 }, user(`new ${i}`))).toMatchObject({ kind: "granted" });
    }
    expect(await ask(last, { tokens: 1 }, user("one more"))).toMatchObject({ kind: "refused" });
  });

  it("share a state beyond their number, also after a restart", async () => {
    const queue = { partitions: { user: { max: 2 } } };
    const host = await start(tokensEach, queue);
    for (const name of ["a", "b", "c"]) await ask(host, { tokens: 6 }, user(name));
    const next = await start(tokensEach, queue);
    expect(await ask(next, { tokens: 5 }, user("d"))).toMatchObject({ kind: "refused", retryAfterMs: 100 });
    expect(await ask(next, { tokens: 4 }, user("e"))).toMatchObject({ kind: "granted" });
    expect(await ask(next, { tokens: 4 }, user("a"))).toMatchObject({ kind: "granted" });
  });

  it("a reset and a pause of all count after a restart for rows that were not read yet", async () => {
    const host = await start(tokensEach);
    for (const name of ["a", "b"]) await ask(host, { tokens: 10 }, user(name));
    host.change("1", ["reset", ["tokens"]], "");
    host.change("2", ["pause", 500, ["tokens"]], "");
    const next = await start(tokensEach);
    expect(await ask(next, { tokens: 1 }, user("a"))).toMatchObject({ kind: "refused", retryAfterMs: 500 });
    expect(await ask(next, { tokens: 1 }, user("new"))).toMatchObject({ kind: "refused", retryAfterMs: 500 });
    clock.advance(500);
    expect(await ask(await start(tokensEach), { tokens: 10 }, user("b"))).toMatchObject({ kind: "granted" });
  });

  it("a grant from before a restart gives back to its partition what was not used", async () => {
    const host = await start();
    const taken = (await ask(
      host,
      { tokens: 50, slots: 2 },
      {
        names: { user: "alice", address: null },
        tier: "pro",
      },
    )) as Granted;
    expect(taken.kind).toBe("granted");
    const id = `${ids}`;
    const next = await start();
    expect(used(next, "slots", user("alice", "pro"))).toBe(2);
    next.release(id, { tokens: 10 });
    const last = await start();
    expect(used(last, "slots", user("alice", "pro"))).toBe(0);
    expect(used(last, "tokens", user("alice", "pro"))).toBe(10);
    expect(used(last, "tokens", user("bob", "pro"))).toBe(0);
  });

  it("a nested request through a grant from before a restart takes of its partitions", async () => {
    await ask(await start(), { slots: 1, tokens: 0 }, { names: { user: "alice", address: null } });
    const around = `${ids}`;
    const next = await start();
    const at = { names: { user: "alice", address: null } };
    expect(await ask(next, { tokens: 7 }, at, { waits: true, around })).toMatchObject({ kind: "granted" });
    expect([used(next, "tokens", at), used(next, "slots", at)]).toEqual([7, 1]);
  });

  it("names that make no sense are refused, and change nothing", async () => {
    const host = await start(tokensEach);
    await ask(host, { tokens: 1 }, user("a"));
    const { writes } = storage;
    for (const at of [
      null,
      5,
      {},
      { names: null },
      { names: { user: 5 } },
      { names: { user: "a" }, tier: 5 },
    ]) {
      const answer = await ask(host, { tokens: 1 }, at as never);
      expect(answer).toMatchObject({ kind: "failed", error: { code: "ERR_INVALID_REQUEST" } });
      expect(host.stats("", at as never).kind).toBe("failed");
    }
    expect([storage.writes, storage.table.written]).toEqual([writes, 1]);
  });

  it("rows of another layout pause all partitions for a window", async () => {
    await ask(await start(tokensEach), { tokens: 10 }, user("a"));
    const common = storage.kept.get("partitions") as object;
    storage.kept.set("partitions", { ...common, format: 1000 });
    const next = await start(tokensEach);
    expect(await ask(next, { tokens: 1 }, user("a"))).toMatchObject({ kind: "refused", retryAfterMs: 1000 });
    clock.advance(1000);
    expect(await ask(await start(tokensEach), { tokens: 10 }, user("a"))).toMatchObject({ kind: "granted" });
  });
});

type Step = readonly [kind: number, who: number, amount: number, ms: number];
const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(11), fc.nat(9), fc.nat(900)), {
  minLength: 1,
  maxLength: 80,
});

/** The same acquisition in both. */
interface Pair {
  readonly here: Acquisition<string>;
  readonly id: string;
}

/**
 * Without the totals that end with the object, and those of refunds: nothing goes back to a partition that has recovered since, and
 * an object that starts anew notices that sooner.
 */
function kept(stats: Readonly<Record<string, LimitStats>>) {
  return Object.entries(stats).map(
    ([key, { refused: _, timedOut: __, aborted: ___, refunded: ____, ...rest }]) => [key, rest],
  );
}

async function play(history: readonly Step[]): Promise<void> {
  const storage = new Storage();
  const clock = new ManualClock(1_700_000_000_000);
  const queue = { partitions: { user: { max: 100 }, address: { max: 50 } } };
  const restart = () => startHost(storage, { limits, clock, queue });
  const here = new LimitSet<string>({ limits, clock, shared: false, missingUpdate: "charge", ...queue });
  let host = await restart();
  const pairs: Pair[] = [];
  const end = ({ here, id }: Pair, amount: number) => {
    const tokens = Math.min(here.requested["tokens"] ?? 0, amount);
    const usage = here.requested["tokens"] === undefined || amount === 9 ? {} : { tokens };
    here.update(usage);
    here.release();
    host.release(id, usage);
  };
  for (const [kind, who, amount, ms] of history) {
    const names = { user: `user ${who}`, address: who % 3 === 0 ? null : `address ${who % 5}` };
    const tier = who % 4 === 1 && amount > 5 ? "pro" : undefined;
    const at = { names, tier };
    const view = here.for(names, { tier });
    if (kind < 45) {
      const requested = { tokens: amount, bytes: amount % 3, call_count: kind % 3, slots: kind % 2 };
      const tried = view.tryAcquire(requested);
      const id = `${++ids}`;
      const answer = await host.enter(
        {
          id,
          requested,
          at,
          waits: false,
          timeoutMs: 0,
          around: undefined,
          descriptionId: host.description.id,
        },
        owner,
      );
      expect(answer.kind).toBe(tried.successful ? "granted" : "refused");
      if (tried.successful) pairs.push({ here: tried, id });
      else expect(answer).toMatchObject({ limitedBy: tried.limitedBy, retryAfterMs: tried.retryAfterMs });
    } else if (kind < 65) {
      const [pair] = pairs.splice(who % Math.max(1, pairs.length), 1);
      if (pair) end(pair, amount);
    } else if (kind < 80) {
      clock.advance(ms);
    } else if (kind < 92) {
      host = await restart();
    } else if (kind < 94) {
      view.charge({ tokens: amount });
      host.change(`${++ids}`, ["charge", { tokens: amount }], "", at);
    } else if (kind < 96) {
      here.reset(["tokens"]);
      host.change(`${++ids}`, ["reset", ["tokens"]], "");
    } else if (kind < 98) {
      here.pause(ms, ["slots"]);
      host.change(`${++ids}`, ["pause", ms, ["slots"]], "");
    } else {
      view.pause(ms);
      host.change(`${++ids}`, ["pause", ms, undefined], "", at);
    }
    const answer = host.stats("", at);
    expect(answer.kind === "inspected" && kept(answer.stats)).toEqual(kept(view.stats()));
  }
  here.close();
}

describe("a random history", () => {
  it("of partitions has the same answers on an object that starts again at any moment", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await fc.assert(fc.asyncProperty(steps, play), runs(300));
  });
});
