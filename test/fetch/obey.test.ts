/** `limitFetch`: what it does about what servers say, for all that use the set. */
import { describe, expect, test } from "vitest";
import { type FetchOptions, limitFetch, type Provider } from "../../src/fetch/index.ts";
import { CallLimit, type LimitLike, LimitSet, RateLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { CALLS, CONNECTIONS, lab, post, settled, stream, TOKENS, URL_OF_API } from "./lab.ts";

const status = (code: number, headers: Record<string, string> = {}, body: BodyInit = "refused") =>
  new Response(body, { status: code, headers });

/** The milliseconds for which the set lets nothing pass, after one answer. */
async function pauseAfter(answer: Response, provider?: Provider): Promise<number> {
  const plenty = new CallLimit({ capacity: 100, windowMs: 1000 });
  const { fetch, limits } = lab([plenty], { answers: () => answer, provider });
  await (await fetch(URL_OF_API)).text();
  return limits.peek().retryAfterMs;
}

describe("a refusal pauses the set", () => {
  test.each([
    [429, { "retry-after": "7" }, 7000],
    [503, { "retry-after": "7" }, 7000],
    [529, { "retry-after": "7" }, 7000],
    [429, { "retry-after": "2.0" }, 2000],
    [429, { "retry-after": "1", "retry-after-ms": "250" }, 250],
    [429, { "retry-after": "Wed, 01 Jan 2025 00:00:09 GMT" }, 9000],
    // By the server's clock, which is five seconds behind.
    [429, { "retry-after": "Wed, 01 Jan 2025 00:00:04 GMT", date: "Tue, 31 Dec 2024 23:59:55 GMT" }, 9000],
    // An hour is the most, unless the option says otherwise.
    [429, { "retry-after": "99999999" }, 3_600_000],
    // No time, or none that can be read: a second.
    [429, {}, 1000],
    [529, {}, 1000],
    [429, { "retry-after": "0" }, 1000],
    [429, { "retry-after": "soon" }, 1000],
    [429, { "retry-after": "-5" }, 1000],
    [429, { "retry-after": "Wed, 01 Jan 2020 00:00:00 GMT" }, 1000],
    // That of one page.
    [503, {}, 0],
    // No refusal for a time.
    [500, { "retry-after": "7" }, 0],
    [301, { "retry-after": "7" }, 0],
    [403, { "retry-after": "7" }, 0],
    [200, { "retry-after": "7" }, 0],
  ])("%i with %o: %i ms", async (code, headers, ms) => {
    expect(await pauseAfter(status(code, headers as Record<string, string>))).toBe(ms);
  });

  test("refusals without a time pause for longer each time, up to a minute, until an answer is none", async () => {
    let code = 429;
    const { fetch, limits, clock } = lab([CALLS], { answers: () => status(code) });
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      await (await fetch(URL_OF_API)).text();
      pauses.push(limits.peek().retryAfterMs);
      await clock.advanceAsync(pauses.at(-1)!);
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    code = 200;
    await (await fetch(URL_OF_API)).text();
    code = 429;
    await (await fetch(URL_OF_API)).text();
    expect(limits.peek().retryAfterMs).toBe(1000);
  });

  test("requests that are on their way together, and are refused without a time, are one refusal", async () => {
    const { fetch, limits, sent, clock } = lab([new CallLimit({ capacity: 10, windowMs: 1 })]);
    for (let i = 0; i < 3; i++) void fetch(URL_OF_API);
    await settled();
    sent[0]!.answer(status(429));
    await settled();
    clock.advance(400);
    sent[1]!.answer(status(429));
    await settled();
    expect(limits.peek().retryAfterMs).toBe(600);
    await clock.advanceAsync(600);
    // This one says nothing of the time since.
    sent[2]!.answer(status(404));
    void fetch(URL_OF_API);
    await settled();
    sent[3]!.answer(status(429));
    await settled();
    expect(limits.peek().retryAfterMs).toBe(2000);
    await clock.advanceAsync(2000);
    for (const code of [404, 429]) {
      void fetch(URL_OF_API);
      await settled();
      sent.at(-1)!.answer(status(code));
      await settled();
    }
    expect(limits.peek().retryAfterMs).toBe(1000);
  });

  test("all callers of the set wait, those that wait already too", async () => {
    const { fetch, limits, sent, clock } = lab([CALLS]);
    const [first] = [1, 2, 3].map(() => fetch(URL_OF_API));
    await settled();
    sent[0]!.answer(status(429, { "retry-after": "5" }));
    await (await first!).text();
    // Two calls are there again when the pause ends: one is the waiter's.
    expect(limits.peek().retryAfterMs).toBe(5000);
    await clock.advanceAsync(4999);
    await settled();
    expect(sent.length).toBe(2);
    await clock.advanceAsync(1);
    await settled();
    expect(sent.length).toBe(3);
  });

  test("maxPauseMs is the longest pause", async () => {
    const { fetch, limits } = lab([CALLS], {
      answers: () => status(429, { "retry-after": "60" }),
      maxPauseMs: 2000,
    });
    await (await fetch(URL_OF_API)).text();
    expect(limits.peek().retryAfterMs).toBe(2000);
  });

  test("without retries the answer passes as it is", async () => {
    const answer = status(429, { "retry-after": "5", "x-some": "header" }, "the server's words");
    const response = await lab([CALLS], { answers: () => answer }).fetch(URL_OF_API);
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([429, null]);
    expect(await response.text()).toBe("the server's words");
  });
});

describe("retries", () => {
  test("take anew, hold nothing meanwhile, wait for what the server said, and mark the last answer", async () => {
    const { fetch, sent, used, clock } = lab([CALLS, TOKENS, CONNECTIONS], {
      retry: 2,
      cost: async (request) => JSON.parse((await request.text())!),
      answers: () => status(429, { "retry-after": "3" }),
    });
    const call = fetch(URL_OF_API, post(40));
    await settled();
    expect([sent.length, used("connections"), used("tokens")]).toEqual([1, 0, 40]);
    for (const calls of [2, 3]) {
      await clock.advanceAsync(2999);
      await settled();
      expect(sent.length).toBe(calls - 1);
      await clock.advanceAsync(1);
      await settled();
      expect(sent.length).toBe(calls);
    }
    const response = await call;
    expect([response.status, response.headers.get("x-should-retry")]).toEqual([429, "false"]);
    expect(sent.map(({ init }) => init!.body)).toEqual(Array(3).fill(JSON.stringify({ tokens: 40 })));
  });

  test("errors before an answer are tried again, after a random part of a wait that doubles", async () => {
    const { fetch, sent, clock } = lab([CONNECTIONS], { retry: { times: 2, baseMs: 100 } });
    const call = fetch(URL_OF_API);
    for (const ms of [100, 200]) {
      await settled();
      sent.at(-1)!.fail(new TypeError("fetch failed"));
      await settled();
      await clock.advanceAsync(ms);
    }
    await settled();
    expect(sent.length).toBe(3);
    sent[2]!.fail(new TypeError("the last"));
    await expect(call).rejects.toThrow("the last");
  });

  test("wait by themselves where the set cannot be paused", async () => {
    const answers = [status(429, { "retry-after": "3" }), new Response("hello")];
    const { fetch, sent, limits, clock } = lab([CALLS], { retry: 1, answers: () => answers.shift()! });
    Object.defineProperty(limits, "pause", { value: () => Promise.reject(new Error("an earlier version")) });
    const call = fetch(URL_OF_API);
    await settled();
    await clock.advanceAsync(2999);
    await settled();
    expect(sent.length).toBe(1);
    await clock.advanceAsync(1);
    expect(await (await call).text()).toBe("hello");
  });

  test("the second answer is handed out", async () => {
    const answers = [status(503), new Response("hello")];
    const { fetch, clock } = lab([CALLS], { retry: 5, answers: () => answers.shift()! });
    const call = fetch(new Request(URL_OF_API, { method: "POST", body: "again" }));
    await settled();
    await clock.advanceAsync(500);
    expect(await (await call).text()).toBe("hello");
  });

  test.each([
    ["a server that says so", () => status(429, { "x-should-retry": "false" }), {}],
    ["status 500", () => status(500), {}],
    [
      "a body that can be sent once",
      () => status(429),
      { method: "POST", body: stream().body, duplex: "half" },
    ],
  ])("%s: none", async (_, answers, init) => {
    const { fetch, sent } = lab([CALLS], { retry: 5, answers });
    await (await fetch(URL_OF_API, init as RequestInit)).text();
    expect(sent.length).toBe(1);
  });

  test("an abort ends the wait between two", async () => {
    const { fetch, sent } = lab([CALLS], { retry: 5, answers: () => status(503) });
    const controller = new AbortController();
    const call = fetch(URL_OF_API, { signal: controller.signal });
    await settled();
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect(sent.length).toBe(1);
  });

  test("a bound that refuses the next attempt answers in its place", async () => {
    const { fetch, sent } = lab([CALLS], {
      ...{ retry: 5, maxWaitMs: 1000, answers: () => status(429, { "retry-after": "60" }) },
    });
    const response = await fetch(URL_OF_API);
    expect([response.status, response.headers.get("retry-after"), sent.length]).toEqual([429, "60", 1]);
    expect(await response.json()).toMatchObject({ code: "ERR_WAIT_TOO_LONG" });
  });
});

describe("what is left", () => {
  const saying = (left: number, more: object = {}): Provider => ({
    name: "any",
    head: ({ headers }) => ({
      limits: [{ metric: "call_count", left: Number(headers.get("left") ?? left), ...more }],
    }),
  });
  const MANY = new CallLimit({ capacity: 100, windowMs: 1e6 });
  const available = (limits: LimitSet<string>, key = "call_count") => limits.stats()[key]!.available;

  test("is lowered, never raised", async () => {
    const lefts = ["50", "90", "20"];
    const { fetch, limits } = lab([MANY], {
      provider: saying(0),
      answers: () => new Response("", { headers: { left: lefts.shift()! } }),
    });
    const seen = [];
    for (let i = 0; i < 3; i++) {
      await (await fetch(URL_OF_API)).text();
      seen.push(available(limits));
    }
    expect(seen).toEqual([50, 49, 20]);
  });

  test("counts less what was sent since", async () => {
    const { fetch, limits, sent } = lab([MANY], { provider: saying(0) });
    const calls = Array.from({ length: 5 }, () => fetch(URL_OF_API));
    await settled();
    sent[0]!.answer(new Response("", { headers: { left: "60" } }));
    await calls[0];
    expect(available(limits)).toBe(56);
    sent[4]!.answer(new Response("", { headers: { left: "55" } }));
    await calls[4];
    expect(available(limits)).toBe(55);
  });

  test("more than was left is nothing, and no error", async () => {
    const { fetch, limits, sent } = lab([MANY], { provider: saying(0) });
    const calls = Array.from({ length: 5 }, () => fetch(URL_OF_API));
    await settled();
    sent[0]!.answer(new Response("", { headers: { left: "2" } }));
    await calls[0];
    expect(available(limits)).toBe(0);
  });

  test("concerns the limit with the window, or the capacity, or the key that the server names; else the shortest", async () => {
    const of = (key: string, capacity: number, windowMs: number) =>
      new CallLimit({ key, capacity, windowMs });
    const three = [of("day", 900, 86_400_000), of("minute", 100, 60_000), of("second", 50, 1000)];
    const lowered = async (more: object) => {
      const { fetch, limits } = lab(three, { provider: saying(7, more), answers: () => new Response() });
      await fetch(URL_OF_API);
      return three.map(({ key }) => key).filter((key) => available(limits, key) === 7);
    };
    expect(await lowered({ windowMs: 60_000 })).toEqual(["minute"]);
    expect(await lowered({ capacity: 900 })).toEqual(["day"]);
    expect(await lowered({})).toEqual(["second"]);
    expect(await lowered({ name: "minute", capacity: 900 })).toEqual(["minute"]);
    // None is like it.
    expect(await lowered({ windowMs: 3_600_000 })).toEqual([]);
    expect(await lowered({ metric: "other" })).toEqual([]);
  });

  test("a limit that lets nothing pass is paused, and only that one", async () => {
    const provider = saying(0, { pauseMs: 4000 });
    const { fetch, limits } = lab([MANY, TOKENS], { provider, cost: () => ({ tokens: 1 }) });
    void fetch(URL_OF_API);
    const answering = lab([MANY, TOKENS], {
      provider,
      cost: () => ({ tokens: 1 }),
      answers: () => new Response(),
    });
    await answering.fetch(URL_OF_API);
    expect(answering.limits.peek({ tokens: 1 }).retryAfterMs).toBeGreaterThanOrEqual(4000);
    expect(answering.limits.peek({ tokens: 1, call_count: 0 }).retryAfterMs).toBe(0);
    limits.close();
  });

  test.each([
    [200, 50],
    [40, 10],
  ])(
    "learn: of %i that are the capacity from now on, as many are left as the server says: %i",
    async (capacity, left) => {
      const provider: Provider = {
        name: "any",
        head: () => ({ limits: [{ metric: "call_count", capacity, left }] }),
      };
      const { fetch, limits } = lab([new CallLimit({ capacity: 100, windowMs: 60_000 })], {
        ...{ learn: true, provider, answers: () => new Response() },
      });
      await fetch(URL_OF_API);
      expect(limits.stats()["call_count"]).toMatchObject({ capacity, available: left });
    },
  );

  test("what is left is rounded down to whole units", async () => {
    const provider: Provider = { name: "any", head: () => ({ limits: [{ metric: "t", left: 15 }] }) };
    const { fetch, limits } = lab([new RateLimit({ key: "t", capacity: 100, windowMs: 60_000, unit: 10 })], {
      ...{ provider, cost: () => ({ t: 0 }), answers: () => new Response() },
    });
    await fetch(URL_OF_API);
    expect(limits.stats()["t"]!.available).toBe(10);
  });

  test("learn: capacities become those that the server says, bursts and beginnings with them", async () => {
    const gcra = new RateLimit({ key: "t", capacity: 100, windowMs: 1000, algorithm: "gcra", initial: 90 });
    const provider: Provider = {
      name: "any",
      head: () => ({
        limits: [
          { metric: "call_count", capacity: 300 },
          { metric: "t", capacity: 50 },
        ],
      }),
    };
    for (const learn of [true, false]) {
      const { fetch, limits } = lab([MANY, gcra], {
        ...{ learn, provider, cost: () => ({ t: 10 }), answers: () => new Response() },
      });
      await fetch(URL_OF_API);
      expect([limits.get("call_count").capacity, limits.get("t").capacity]).toEqual(
        learn ? [300, 50] : [100, 100],
      );
    }
  });

  test.each([[Number.NaN], [-1], [Number.POSITIVE_INFINITY], [0.5], [1e300], [undefined]])(
    "nonsense changes nothing: %s",
    async (bad) => {
      const nonsense = { metric: "call_count", capacity: bad, windowMs: bad, pauseMs: bad };
      const provider: Provider = { name: "any", head: () => ({ limits: [nonsense as never] }) };
      const { fetch, limits } = lab([MANY], {
        learn: true,
        maxPauseMs: 0,
        provider,
        answers: () => new Response(),
      });
      await fetch(URL_OF_API);
      expect(limits.peek().successful).toBe(true);
      expect(limits.get("call_count").capacity).toBe(100);
    },
  );
});

describe("providers", () => {
  test("a body that tells more of a refusal is read first, and handed out whole", async () => {
    const provider: Provider = {
      name: "any",
      refusal: (text) => (text.includes("quota") ? { final: true } : { pauseMs: 4000 }),
    };
    expect(await pauseAfter(status(429, {}, "slow down"), provider)).toBe(4000);
    expect(await pauseAfter(status(403, {}, "slow down"), provider)).toBe(4000);
    // Nothing heals it.
    expect(await pauseAfter(status(429, { "retry-after": "9" }, "no quota"), provider)).toBe(0);
    const { fetch, sent } = lab([CALLS], { retry: 3, provider, answers: () => status(429, {}, "no quota") });
    expect(await (await fetch(URL_OF_API)).text()).toBe("no quota");
    expect(sent.length).toBe(1);
  });

  test("a refusal whose body does not come is waited for a second", async () => {
    const { body, send, end } = stream();
    const provider: Provider = { name: "any", refusal: () => ({ pauseMs: 4000 }) };
    const { fetch, clock } = lab([CALLS], { provider, answers: () => status(429, {}, body) });
    const call = fetch(URL_OF_API);
    send("one ");
    await settled();
    await clock.advanceAsync(1000);
    const response = await call;
    const text = response.text();
    send("two");
    end();
    expect(await text).toBe("one two");
  });

  test("one that throws has read nothing", async () => {
    const fails = () => {
      throw new Error("a mistake");
    };
    expect(
      await pauseAfter(status(429, { "retry-after": "2" }), { name: "any", head: fails, refusal: fails }),
    ).toBe(2000);
  });
});

describe("a retry waits for as long as the server said, also where no pause of the set holds it", () => {
  const plain = new CallLimit({ capacity: 10, windowMs: 1000 });
  const shadow = new CallLimit({ capacity: 10, windowMs: 1000, enforce: false });
  const perUser = new CallLimit({ key: "of_user", capacity: 10, windowMs: 1000, per: "user" });
  test.each<[string, readonly LimitLike[], FetchOptions<string>]>([
    ["a set without limits", [], {}],
    ["shadows alone", [shadow], {}],
    ["a request that takes nothing", [plain], { cost: () => ({ call_count: 0 }) }],
    ["a view that leaves the partition out", [plain, perUser], { for: () => ({ user: null }) }],
    ["a limit that holds it", [plain], {}],
  ])("%s", async (_, limits, options) => {
    const { fetch, sent, clock } = lab(limits, {
      ...{ retry: 1, answers: () => status(429, { "retry-after": "10" }), ...options },
    });
    const call = fetch(URL_OF_API);
    await settled();
    await clock.advanceAsync(9999);
    await settled();
    expect(sent.length).toBe(1);
    await clock.advanceAsync(1);
    await call;
    expect(sent.length).toBe(2);
  });

  test("a refusal of a request that takes from no partition pauses the limits of all", async () => {
    const { fetch, limits } = lab([plain, perUser], {
      for: () => ({ user: null }),
      answers: () => status(429, { "retry-after": "10" }),
    });
    await fetch(URL_OF_API);
    expect(limits.for({ user: "alice" }).peek().retryAfterMs).toBe(10_000);
  });
});

describe("partitions", () => {
  test("of a LimitSet: one user's calls, connections and refusals are not another's", async () => {
    const clock = new ManualClock();
    const set = new LimitSet<string>({
      limits: [
        new CallLimit({ capacity: 10, windowMs: 1000 }),
        new CallLimit({ key: "of_user", capacity: 2, windowMs: 1000, per: "user" }),
        new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000, per: "user" }),
      ] as never,
      clock,
    });
    const sent: string[] = [];
    const limited = limitFetch(set, {
      clock,
      cost: () => ({ tokens: 40 }),
      usage: () => ({ tokens: 10 }),
      for: ({ headers }) => ({ user: headers.get("user")! }),
      fetch: (async (_, init) => {
        const user = new Headers(init?.headers).get("user")!;
        sent.push(user);
        return user === "carol" ? status(429, { "retry-after": "5" }) : new Response("hello");
      }) as typeof globalThis.fetch,
    });
    const call = (user: string) =>
      limited(URL_OF_API, { headers: { user } }).then((response) => response.text());
    const calls = ["alice", "alice", "alice", "bob", "carol"].map(call);
    await settled();
    expect(sent).toEqual(["alice", "alice", "bob", "carol"]);
    const view = (user: string) => set.for({ user });
    expect(view("alice").stats()["tokens"]!.used).toBe(20);
    expect(view("carol").peek({ tokens: 1 }).retryAfterMs).toBe(5000);
    expect(view("bob").peek({ tokens: 1 }).successful).toBe(true);
    expect(set.stats()["call_count"]!.used).toBe(4);
    await clock.advanceAsync(500);
    await Promise.all(calls);
    expect(sent.at(-1)).toBe("alice");
  });

  test("of a set whose limits are all those of all: a refusal pauses these", async () => {
    const { fetch, limits } = lab([CALLS], {
      for: () => ({}),
      answers: () => status(429, { "retry-after": "5" }),
    });
    await (await fetch(URL_OF_API)).text();
    expect(limits.peek().retryAfterMs).toBe(5000);
  });

  test("of a set that has none are an error", async () => {
    const { limits } = lab([CALLS]);
    Object.defineProperty(limits, "for", { value: undefined });
    const fetch = limitFetch(limits, { for: () => ({ user: "alice" }) });
    await expect(fetch(URL_OF_API)).rejects.toThrow(/no partitions/);
  });
});
