/** Headers: what is read of them, and that none does harm, however odd. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { itemsOf } from "../../src/exchange/structured.ts";
import { githubApi, limitFetch, type Provider, rateLimitHeaders, shopify } from "../../src/fetch/index.ts";
import { retryAfterOf, untilOf } from "../../src/fetch/times.ts";
import { CallLimit, LimitSet, RateLimit } from "../../src/index.ts";
import { anthropic, azureOpenai, gemini, groq, openai } from "../../src/llm/index.ts";
import { ManualClock } from "../../src/testing/index.ts";

const NOW = Date.UTC(2025, 0, 1);

describe("times", () => {
  test.each([
    ["5", 5000],
    ["7.66", 7660],
    ["7.66s", 7660],
    ["20ms", 20],
    ["6m0s", 360_000],
    ["1h2m3.5s", 3_723_500],
    ["1d", 86_400_000],
    ["500µs", 0.5],
    [String(NOW / 1000 + 30), 30_000],
    [String(NOW + 30), 30],
    ["2025-01-01T00:01:00Z", 60_000],
    ["2025-01-01T01:01:00.5+01:00", 60_500],
    ["Wed, 01 Jan 2025 00:00:10 GMT", 10_000],
    ["Wednesday, 01-Jan-25 00:00:10 GMT", 10_000],
    ["Wed Jan  1 00:00:10 2025", 10_000],
    ["2020-01-01T00:00:00Z", 0],
    ["", undefined],
    ["-5", undefined],
    ["1e3", undefined],
    ["0x10", undefined],
    ["NaN", undefined],
    ["Infinity", undefined],
    ["5 s", undefined],
    ["s", undefined],
    ["5,6", undefined],
    ["2025-13-01T00:00:00Z", undefined],
    [null, undefined],
  ])("%j is %j ms", (text, ms) => {
    expect(untilOf(text, new Headers(), NOW)).toBe(ms);
  });

  test("moments are those of the server's clock, unless that is a day off", () => {
    const at = "2025-01-01T00:01:00Z";
    expect(untilOf(at, new Headers({ date: "Wed, 01 Jan 2025 00:00:50 GMT" }), NOW)).toBe(10_000);
    expect(untilOf(at, new Headers({ date: "Wed, 01 Jan 2015 00:00:50 GMT" }), NOW)).toBe(60_000);
    expect(untilOf(at, new Headers({ date: "today" }), NOW)).toBe(60_000);
  });

  test("any text is a time from 0 on, or none", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\dmsh.:TZ+-]{0,40}$/)), (text) => {
        const ms = untilOf(text, new Headers(), NOW);
        expect(ms === undefined || ms >= 0).toBe(true);
      }),
    );
    for (const long of ["1".repeat(60_000), "1s".repeat(30_000), `${"1.".repeat(30_000)}s`, "9".repeat(20)]) {
      untilOf(long, new Headers(), NOW);
    }
  });

  test("retry-after-ms wins, where it is a time", () => {
    const of = (headers: Record<string, string>) => retryAfterOf(new Headers(headers), NOW);
    expect(of({ "retry-after": "2", "retry-after-ms": "1500" })).toBe(1500);
    expect(of({ "retry-after": "2", "retry-after-ms": "soon" })).toBe(2000);
    expect(of({ "retry-after": "0" })).toBeUndefined();
    expect(of({})).toBeUndefined();
  });
});

describe("structured fields", () => {
  test("items and their parameters", () => {
    expect(
      itemsOf('"burst";q=100;w=60, peruser ; q=65535;qu="content-bytes";w=10;pk=:c2Rm:;x;y=?0;z=-1.5'),
    ).toEqual([
      { value: "burst", parameters: { q: 100, w: 60 } },
      {
        value: "peruser",
        parameters: { q: 65535, qu: "content-bytes", w: 10, pk: ":c2Rm:", x: true, y: "?0", z: -1.5 },
      },
    ]);
  });

  test.each([
    ['"a'],
    ['"a";q='],
    ['"a" b'],
    ["1;q=1"],
    ['"a";Q=1'],
    ['"a";;q=1'],
    [",a"],
    ["a,,b"],
    ["é"],
    ['"a";q=1.'],
  ])("malformed is nothing: %s", (text) => {
    expect(itemsOf(text)).toEqual([]);
  });

  test("any text is a list, in time", () => {
    fc.assert(fc.property(fc.string(), (text) => Array.isArray(itemsOf(text))));
    for (const long of [
      `"${"\\\\".repeat(50_000)}`,
      "a;b".repeat(30_000),
      " ".repeat(60_000),
      "a,".repeat(30_000),
    ]) {
      itemsOf(long);
    }
    expect(itemsOf(";__proto__=1")).toEqual([]);
  });
});

const said = (provider: Provider, headers: Record<string, string>, status = 200) =>
  provider.head!({ status, headers: new Headers(headers) }, NOW)?.limits?.map((limit) =>
    Object.fromEntries(Object.entries(limit).filter(([, value]) => value !== undefined)),
  );

describe("rateLimitHeaders", () => {
  test.each([
    [
      "drafts 0 to 6",
      { "ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "50", "ratelimit-reset": "5" },
      [{ metric: "call_count", capacity: 100, windowMs: 60_000, left: 50 }],
    ],
    [
      "draft 7",
      { ratelimit: "limit=100, remaining=0, reset=5" },
      [{ metric: "call_count", capacity: 100, left: 0, pauseMs: 5000 }],
    ],
    [
      "drafts 8 to 11",
      {
        "ratelimit-policy":
          '"burst";q=100;w=60,"peruser";q=65535;qu="content-bytes";w=10;pk=:c2Rm:,"conn";qu="concurrent-requests";q=5',
        ratelimit: '"burst";r=50;t=30, "peruser";r=0;t=7;pk=:c2Rm:, "conn";r=0;t=0',
      },
      [
        { name: "burst", metric: "call_count", capacity: 100, windowMs: 60_000, left: 50 },
        {
          name: "peruser",
          metric: "content-bytes",
          capacity: 65535,
          windowMs: 10_000,
          left: 0,
          pauseMs: 7000,
        },
      ],
    ],
    [
      "the names that an open change gives",
      { ratelimit: '"burst";a=0;w=30;c=4' },
      [{ name: "burst", metric: "call_count", left: 0, pauseMs: 30_000 }],
    ],
    [
      "X-, with a moment",
      {
        "x-ratelimit-limit": "60",
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": String(NOW / 1000 + 9),
      },
      [{ metric: "call_count", capacity: 60, left: 0, pauseMs: 9000 }],
    ],
    [
      "X-, with a span beside",
      { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1e9", "x-ratelimit-reset-after": "1.25" },
      [{ metric: "call_count", left: 0, pauseMs: 1250 }],
    ],
    ["malformed", { ratelimit: '"burst";r=50;t=', "ratelimit-remaining": "many" }, []],
    ["negative", { ratelimit: '"burst";r=-5;t=-1' }, [{ name: "burst", metric: "call_count" }]],
  ])("%s", (_, headers, limits) => {
    expect(said(rateLimitHeaders(), headers as Record<string, string>)).toEqual(limits);
  });

  test("answers from a cache say nothing", () => {
    expect(said(rateLimitHeaders(), { "ratelimit-remaining": "5", age: "3" })).toBeUndefined();
    expect(said(rateLimitHeaders(), { "ratelimit-remaining": "5", age: "0" })).toHaveLength(1);
  });
});

describe("vendors", () => {
  test("githubApi", () => {
    const headers = {
      ...{ "x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-used": "5000" },
      ...{ "x-ratelimit-reset": String(NOW / 1000 + 90), "x-ratelimit-resource": "search" },
    };
    expect(said(githubApi(), headers)).toEqual([
      { metric: "call_count", name: "search", capacity: 5000, left: 0, pauseMs: 90_000 },
    ]);
    const refusal = (text: string, headers: Record<string, string> = {}) =>
      githubApi().refusal!(text, { status: 403, headers: new Headers(headers) }, NOW);
    expect(refusal("You have exceeded a secondary rate limit.")).toEqual({ pauseMs: 60_000 });
    expect(refusal("API rate limit exceeded", headers)).toEqual({ pauseMs: 90_000 });
    expect(refusal("Resource not accessible by integration")).toBeUndefined();
  });

  test("shopify", () => {
    expect(said(shopify(), { "x-shopify-shop-api-call-limit": "32/40" })).toEqual([
      { metric: "call_count", capacity: 40, left: 8 },
    ]);
    expect(said(shopify(), { "x-shopify-shop-api-call-limit": "32" })).toBeUndefined();
    const status = { maximumAvailable: 2000, currentlyAvailable: 100, restoreRate: 100 };
    const course = { complete: true, streamed: undefined, cost: {} };
    const body = (value: object) => shopify().body!(value as Record<string, unknown>, course);
    expect(body({ requestedQueryCost: 101, actualQueryCost: 46, throttleStatus: status })).toEqual({
      ...{ pauseMs: undefined, used: { points: 46 } },
      limits: [{ metric: "points", capacity: 2000, left: 100 }],
    });
    expect(body({ requestedQueryCost: 600, actualQueryCost: null, throttleStatus: status })).toMatchObject({
      ...{ pauseMs: 5000, used: { points: 0 } },
    });
    expect(body({ amount: 5 })).toBeUndefined();
  });

  test("openai, groq: what is left until it is full again is no pause", () => {
    const headers = {
      ...{ "x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "0" },
      ...{ "x-ratelimit-reset-requests": "6m0s", "x-ratelimit-limit-tokens": "30000" },
      "x-ratelimit-remaining-tokens": "29000",
    };
    const tokens = { metric: "tokens", capacity: 30_000, left: 29_000, windowMs: 60_000 };
    expect(said(openai(), headers)).toEqual([
      { metric: "call_count", capacity: 500, left: 0, windowMs: 60_000 },
      tokens,
    ]);
    expect(said(groq(), headers)).toEqual([
      { metric: "call_count", capacity: 500, left: 0, windowMs: 86_400_000 },
      tokens,
    ]);
  });

  test("anthropic", () => {
    const limits = said(anthropic({ windowMs: 5000 }), {
      ...{ "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49" },
      ...{
        "anthropic-ratelimit-input-tokens-limit": "30000",
        "anthropic-ratelimit-output-tokens-remaining": "8",
      },
    });
    expect(limits).toEqual([
      { metric: "call_count", capacity: 50, left: 49, windowMs: 5000 },
      { metric: "tokens", windowMs: 5000 },
      { metric: "input_tokens", capacity: 30_000, windowMs: 5000 },
      { metric: "output_tokens", left: 8, windowMs: 5000 },
    ]);
  });

  test("an account without money, and a quota of a day: no waiting heals them", () => {
    const answer = { status: 429, headers: new Headers() };
    const error = (code: string) => JSON.stringify({ error: { message: "You exceeded", type: code, code } });
    expect(openai().refusal!(error("insufficient_quota"), answer, NOW)).toEqual({ final: true });
    expect(openai().refusal!(error("rate_limit_exceeded"), answer, NOW)).toBeUndefined();
    const details = (quotaId: string) =>
      JSON.stringify({
        error: {
          code: 429,
          details: [
            { "@type": "type.googleapis.com/google.rpc.QuotaFailure", violations: [{ quotaId }] },
            { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.5s" },
          ],
        },
      });
    expect(gemini().refusal!(details("GenerateRequestsPerDayPerProjectPerModel"), answer, NOW)).toEqual({
      final: true,
    });
    expect(gemini().refusal!(`[${details("GenerateRequestsPerMinute")}]`, answer, NOW)).toEqual({
      pauseMs: 34_500,
    });
  });
});

const PROVIDERS = [
  ...[openai(), anthropic(), azureOpenai(), gemini(), groq(), rateLimitHeaders(), githubApi(), shopify()],
];

/** Names of headers that are read, with values of which many are nearly right. */
const NAMES = [
  ...["retry-after", "retry-after-ms", "date", "age", "x-should-retry", "ratelimit", "ratelimit-policy"],
  ...[
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
  ],
  ...[
    "x-ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
  ],
  ...[
    "x-ratelimit-remaining-tokens",
    "x-shopify-shop-api-call-limit",
    "anthropic-ratelimit-requests-remaining",
  ],
  ...["anthropic-ratelimit-input-tokens-remaining", "x-ratelimit-resource", "content-type"],
];
const odd = fc.oneof(
  fc.constantFrom(
    "0",
    "-1",
    "1e308",
    "NaN",
    "Infinity",
    "99999999999999999999",
    "",
    "null",
    "5;w=0",
    "__proto__",
  ),
  fc.constantFrom(
    '"a";r=0;t=1e9',
    '"a";r=99999;t=0',
    "limit=1, remaining=0, reset=99999999999",
    "0/0",
    "6m0s",
  ),
  fc.constantFrom(
    "9999-12-31T23:59:59Z",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "text/event-stream",
    "application/json",
  ),
  fc.stringMatching(/^[ -~]{0,30}$/),
  fc.double({ noNaN: false }).map(String),
  fc.integer().map(String),
);
const bodies = fc.oneof(
  fc.string(),
  fc.json(),
  fc.anything().map((usage) => `{"usage":${JSON.stringify(usage) ?? "{"},"usageMetadata":{}}`),
  fc
    .dictionary(
      fc.constantFrom("prompt_tokens", "completion_tokens", "input_tokens", "output_tokens"),
      fc.double(),
    )
    .map((usage) => `data: {"usage":${JSON.stringify(usage)}}\n\n`),
);

test("no answer, however odd, throws, waits for ever, holds, or lets more pass", {
  timeout: 60_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...PROVIDERS),
      fc.constantFrom(200, 200, 403, 429, 500, 503, 529),
      fc.dictionary(fc.constantFrom(...NAMES), odd),
      bodies,
      async (provider, status, headers, body) => {
        const clock = new ManualClock(NOW);
        const limits = new LimitSet({
          limits: [
            new CallLimit({ capacity: 5, windowMs: 60_000 }),
            ...["tokens", "input_tokens", "output_tokens", "points"].map(
              (key) => new RateLimit({ key, capacity: 5000, windowMs: 60_000 }),
            ),
            { type: "resource", key: "connections", capacity: 1 } as const,
          ],
          clock,
        });
        let sent = 0;
        const fetch = limitFetch(limits, {
          provider,
          clock,
          fetch: (async () => {
            sent++;
            return new Response(body, { status, headers });
          }) as typeof globalThis.fetch,
        });
        const url = "https://api.example.com/v1/chat/completions";
        const init = { method: "POST", body: '{"messages":[],"max_tokens":100}' };
        expect(await (await fetch(url, init)).text()).toBe(body);
        const { connections, call_count, tokens } = limits.stats() as Record<
          string,
          { used: number; available: number }
        >;
        expect(connections!.used).toBe(0);
        expect(call_count!.available).toBeLessThanOrEqual(5);
        expect(tokens!.available).toBeLessThanOrEqual(5000);
        // Not more calls at once than before, and within an hour they go on.
        const calls = Array.from({ length: 6 }, async () => (await fetch(url, init)).text());
        for (let i = 0; i < 10; i++) await Promise.resolve();
        await new Promise((resolve) => setImmediate(resolve));
        expect(sent).toBeLessThanOrEqual(6);
        for (let hours = 0; hours < 20 && sent < 7; hours++) {
          await clock.advanceAsync(3_600_000);
          for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
        }
        expect(sent).toBe(7);
        await Promise.all(calls);
        expect(limits.waiting).toBe(0);
        limits.close();
      },
    ),
    { numRuns: 300 },
  );
});
