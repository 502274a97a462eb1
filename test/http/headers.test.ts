/** The headers that tell of limits: read by a parser of structured fields, and by `limitFetch`. */
import fc from "fast-check";
import { parseList } from "structured-headers";
import { describe, expect, test } from "vitest";
import { limitFetch, rateLimitHeaders } from "../../src/fetch/index.ts";
import type { HeaderForm } from "../../src/http/index.ts";
import { CallLimit, LimitSet, RateLimit, RateLimitAlgorithm, ResourceLimit } from "../../src/index.ts";
import { settled } from "../fetch/lab.ts";
import { runs } from "../property/settings.ts";
import { lab } from "./lab.ts";

const { TokenBucket, GCRA, LeakyBucket, SlidingWindow, FixedWindow } = RateLimitAlgorithm;

/** The items of a header, by name. */
function read(headers: Headers, name: string): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    parseList(headers.get(name) ?? "").map(([item, parameters]) => [item, Object.fromEntries(parameters)]),
  );
}

describe("draft 11", () => {
  test("one item for each limit, named by its key, on every answer", async () => {
    const { send } = lab([
      new CallLimit({ key: "all", capacity: 1000, windowMs: 1000 }),
      new CallLimit({ key: "per_ip", capacity: 2, windowMs: 60_000, per: "ip", algorithm: SlidingWindow }),
      new CallLimit({ key: "a day", capacity: 5, every: "day", algorithm: FixedWindow }),
      new ResourceLimit({ key: 'of "all"', capacity: 10 }),
      new CallLimit({ key: "shadow", capacity: 1, windowMs: 1000, enforce: false }),
      new CallLimit({ key: "unlimited", capacity: Number.POSITIVE_INFINITY, windowMs: 1000 }),
      new CallLimit({ key: "short ü", capacity: 7, windowMs: 1500 }),
    ]);
    const { headers } = await send();
    expect(read(headers, "ratelimit-policy")).toEqual({
      all: { q: 1000, w: 1 },
      per_ip: { q: 2, w: 60 },
      "a day": { q: 5, w: 86_400 },
      'of "all"': { q: 10, qu: "concurrent-requests" },
      "short %C3%BC": { q: 7 },
    });
    expect(read(headers, "ratelimit")).toEqual({
      all: { r: 999, t: 1 },
      per_ip: { r: 1, t: 60 },
      "a day": { r: 4, t: 86_400 },
      'of "all"': { r: 9 },
      "short %C3%BC": { r: 6, t: 1 },
    });
    await send();
    const refused = await send();
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "60"]);
    expect(read(refused.headers, "ratelimit")).toMatchObject({ per_ip: { r: 0, t: 60 }, all: { r: 998 } });
    expect(await refused.json()).toEqual({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      title: "The quota of these requests is used up",
      status: 429,
      "violated-policies": ["per_ip"],
    });
  });

  test("amounts are in whole numbers, whatever the unit, and bursts and tiers are known", async () => {
    const { send } = lab(
      [
        new RateLimit({ key: "credits", capacity: 2, windowMs: 1000, unit: 0.25 }),
        new RateLimit({ key: "tens", capacity: 100, windowMs: 10_000, unit: 10 }),
        new CallLimit({ capacity: 10, windowMs: 10_000, algorithm: GCRA, burst: 3 }),
        new CallLimit({
          ...{ key: "per_user", capacity: 1, windowMs: 1000, per: "user" },
          tiers: { pro: { capacity: 500, windowMs: 60_000 } },
        }),
      ],
      { cost: () => ({ credits: 0.75, tens: 30 }), by: () => ({ user: "alice" }), tier: () => "pro" },
    );
    const { headers } = await send();
    expect(read(headers, "ratelimit-policy")).toMatchObject({
      credits: { q: 2, qu: "credits", w: 1 },
      tens: { q: 100, qu: "tens", w: 10 },
      call_count: { q: 10, w: 10 },
      per_user: { q: 500, w: 60 },
    });
    expect(read(headers, "ratelimit")).toMatchObject({
      credits: { r: 1, t: 1 },
      tens: { r: 70, t: 1 },
      call_count: { r: 2, t: 1 },
      per_user: { r: 499, t: 1 },
    });
  });

  test("limits of a dimension that is left out are not told, nor those that `tell` leaves out", async () => {
    const limits = [
      new CallLimit({ capacity: 1, windowMs: 1000 }),
      new CallLimit({ key: "per_user", capacity: 10, windowMs: 1000, per: "user" }),
    ];
    const by = () => ({ user: null });
    const { headers } = await lab(limits, { by }).send();
    expect(headers.get("ratelimit")).toBe('"call_count";r=0;t=1');
    const other = lab(limits, { by: () => ({ user: "alice" }), tell: ["per_user"] });
    expect((await other.send()).headers.get("ratelimit")).toBe('"per_user";r=9;t=1');
    const refused = await other.send();
    expect(await refused.json()).toMatchObject({ "violated-policies": [] });
    expect(refused.headers.get("ratelimit-policy")).toBe('"per_user";q=10;w=1');
  });

  test("a limit that is paused has nothing left, and a set that is redefined is told anew", async () => {
    const { send, limits } = lab([new CallLimit({ capacity: 10, windowMs: 1000 })]);
    limits.pause(5000);
    const { status, headers } = await send();
    expect([status, headers.get("ratelimit"), headers.get("retry-after")]).toEqual([
      429,
      '"call_count";r=0;t=5',
      "5",
    ]);
    limits.resume();
    limits.redefine([new CallLimit({ key: "calls", capacity: 20, windowMs: 2000 })]);
    const after = await send();
    expect([after.headers.get("ratelimit"), after.headers.get("ratelimit-policy")]).toEqual([
      ...['"calls";r=19;t=1', '"calls";q=20;w=2'],
    ]);
  });

  test("Retry-After is left out where it hangs on a release", async () => {
    const { send } = lab([new ResourceLimit({ key: "slots", capacity: 1 })]);
    await send();
    const { status, headers } = await send();
    expect([status, headers.get("retry-after"), headers.get("ratelimit")]).toEqual([
      429,
      null,
      '"slots";r=0',
    ]);
  });
});

test("one more is left within a second of a limit of one tier, and later in another tier", async () => {
  const { send } = lab(
    [
      new CallLimit({
        ...{ key: "per_user", capacity: 600, windowMs: 60_000, per: "user" },
        tiers: { free: { capacity: 6 } },
      }),
    ],
    {
      by: ({ request }) => ({ user: request.path }),
      tier: ({ request }) => (request.path === "/free" ? "free" : undefined),
    },
  );
  for (const _ of [1, 2]) {
    expect((await send("/paying")).headers.get("ratelimit")).toMatch(/^"per_user";r=59\d;t=1$/);
    expect((await send("/free")).headers.get("ratelimit")).toMatch(/^"per_user";r=[45];t=10$/);
  }
});

describe("the older forms", () => {
  const limits = [
    new CallLimit({ key: "many", capacity: 100, windowMs: 1000 }),
    new CallLimit({ key: "few", capacity: 3, windowMs: 60_000, algorithm: FixedWindow }),
    new ResourceLimit({ key: "slots", capacity: 2 }),
  ];
  test.each<[HeaderForm | readonly HeaderForm[] | false, Record<string, string>]>([
    ["draft-7", { ratelimit: "limit=3, remaining=2, reset=60", "ratelimit-policy": "3;w=60" }],
    [
      "draft-6",
      {
        ...{ "ratelimit-limit": "3", "ratelimit-remaining": "2", "ratelimit-reset": "60" },
        "ratelimit-policy": "3;w=60",
      },
    ],
    [
      "x-ratelimit",
      { "x-ratelimit-limit": "3", "x-ratelimit-remaining": "2", "x-ratelimit-reset": expect.any(String) },
    ],
    [
      ["draft-11", "draft-6"],
      {
        ratelimit: '"many";r=99;t=1, "few";r=2;t=60, "slots";r=1',
        "ratelimit-policy": '"many";q=100;w=1, "few";q=3;w=60, "slots";q=2;qu="concurrent-requests"',
        ...{ "ratelimit-limit": "3", "ratelimit-remaining": "2", "ratelimit-reset": "60" },
      },
    ],
    [false, {}],
    [[], {}],
  ])("%s", async (headers, expected) => {
    const { send } = lab(limits, { headers });
    const answer = await send();
    const told = [...answer.headers].filter(([name]) => name.includes("ratelimit"));
    expect(Object.fromEntries(told)).toEqual(expected);
  });

  test("x-ratelimit-reset is a moment", async () => {
    const { send } = lab(limits, { headers: "x-ratelimit" });
    const reset = Number((await send()).headers.get("x-ratelimit-reset"));
    expect(reset - Date.now() / 1000).toBeGreaterThan(50);
    expect(reset - Date.now() / 1000).toBeLessThanOrEqual(61);
  });

  test("of headers that are switched off, Retry-After remains", async () => {
    const { send } = lab([new CallLimit({ capacity: 1, windowMs: 5000 })], { headers: false });
    await send();
    const { headers } = await send();
    expect([headers.get("retry-after"), headers.get("ratelimit")]).toEqual(["5", null]);
  });
});

/** A limit of any algorithm, the times between requests, and their costs. */
const history = fc.record({
  algorithm: fc.constantFrom(TokenBucket, GCRA, LeakyBucket, SlidingWindow, FixedWindow),
  capacity: fc.integer({ min: 1, max: 50 }),
  windowMs: fc.constantFrom(700, 1000, 2500, 60_000),
  unit: fc.constantFrom(0.5, 1, 1, 1, 2),
  steps: fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.integer({ min: 1, max: 5 })), {
    minLength: 1,
    maxLength: 12,
  }),
});

test("what is left is left, more is left after `t`, and a request passes after Retry-After: any algorithm, any history", async () => {
  await fc.assert(
    fc.asyncProperty(history, async ({ algorithm, capacity, windowMs, unit, steps }) => {
      let cost = 1;
      const limit = { key: "points", capacity: capacity * unit, windowMs, algorithm, unit };
      const { send, limits, clock } = lab([new RateLimit(limit)], { cost: () => ({ points: cost }) });
      for (const [ms, units] of steps) {
        clock.advance(ms);
        cost = Math.min(units, capacity) * unit;
        const { status, headers } = await send();
        const { r, t } = read(headers, "ratelimit")["points"] as { r: number; t?: number };
        const { available, retryAfterMs } = limits.stats()["points"]!;
        expect(r).toBe(retryAfterMs > 0 ? 0 : Math.floor(available));
        const wait = headers.get("retry-after");
        expect(wait === null).toBe(status === 200);
        if (wait === null) continue;
        // Seconds are rounded up.
        expect(Number(wait)).toBeGreaterThanOrEqual(Math.min(t ?? 0, 1));
        clock.advance(1000 * Number(wait));
        expect(limits.peek({ points: cost })).toMatchObject({ successful: true });
      }
      const last = read((await send()).headers, "ratelimit")["points"] as { r: number; t?: number };
      if (last.t === undefined) return;
      clock.advance(1000 * last.t);
      const { available, retryAfterMs } = limits.stats()["points"]!;
      const left = retryAfterMs > 0 ? 0 : Math.floor(available);
      // A part of a unit is no whole number yet.
      if (last.r < Math.floor(capacity * unit)) expect(left).toBeGreaterThan(last.r);
    }),
    runs(300),
  );
});

describe("a client under limitFetch", () => {
  test.each([
    ["token bucket", TokenBucket, "draft-11"],
    ["fixed window", FixedWindow, "draft-11"],
    ["sliding window", SlidingWindow, "draft-11"],
    ["GCRA", GCRA, "draft-7"],
    ["fixed window", FixedWindow, "draft-6"],
  ] as const)("hears of a %s, and is never refused: %s by %s", async (_, algorithm, headers) => {
    const calls = new CallLimit({ capacity: 10, windowMs: 10_000, algorithm });
    const { send, clock, refusals } = lab([calls], { headers });
    // It believes that it may send much more.
    const set = new LimitSet({ limits: [new CallLimit({ capacity: 1000, windowMs: 10_000 })], clock });
    const fetch = limitFetch(set, { provider: rateLimitHeaders(), fetch: () => send(), clock });
    const start = clock.now();
    let passed = 0;
    const all = Array.from({ length: 60 }, async () => {
      const response = await fetch("https://example.com/");
      if (response.ok) passed++;
      await response.text();
    });
    for (let i = 0; i < 2000 && passed + refusals.length < 60; i++) {
      await settled();
      await clock.advanceAsync(100);
    }
    await Promise.all(all);
    // All were sent at once, before any answer: from then on none is refused.
    const late = refusals.length;
    for (let i = 0; i < 40; i++) {
      const call = fetch("https://example.com/");
      for (let done = false; !done; ) {
        void call.then(() => {
          done = true;
        });
        await settled();
        if (!done) await clock.advanceAsync(100);
      }
      await (await call).text();
    }
    expect(refusals.length).toBe(late);
    expect(clock.now() - start).toBeLessThan(200_000);
  });
});
