/** `guard`: which HTTP requests pass, what they hold, and when it comes back. */
import { describe, expect, test } from "vitest";
import { type GuardOptions, guard } from "../../src/http/index.ts";
import { BackendUnavailableError, CallLimit, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { settled, stream } from "../fetch/lab.ts";
import { lab } from "./lab.ts";

const CALLS = new CallLimit({ capacity: 2, windowMs: 1000 });
const PER_IP = new CallLimit({ key: "per_ip", capacity: 1, windowMs: 1000, per: "ip" });
const PER_USER = new CallLimit({
  ...{ key: "per_user", capacity: 1, windowMs: 1000, per: "user" },
  tiers: { pro: { capacity: 3 } },
});
const BYTES = new RateLimit({ key: "bytes", capacity: 100, windowMs: 1000 });
const SLOTS = new ResourceLimit({ key: "slots", capacity: 1 });

const statuses = async (all: readonly Promise<Response>[]) =>
  (await Promise.all(all)).map(({ status }) => status);

describe("lets pass, or refuses", () => {
  test("as many as the set allows, and then again", async () => {
    const { send, clock } = lab([CALLS]);
    expect(await statuses([send(), send(), send()])).toEqual([200, 200, 429]);
    clock.advance(500);
    expect(await statuses([send(), send()])).toEqual([200, 429]);
  });

  test("a limit that is per ip is by address, unless `by` says otherwise", async () => {
    const { send } = lab([PER_IP]);
    expect(await statuses([send("/", { from: "192.0.2.1" }), send("/", { from: "192.0.2.2" })])).toEqual([
      200, 200,
    ]);
    expect((await send("/", { from: "::ffff:192.0.2.1" })).status).toBe(429);
  });

  test("limits of all, per user and per address are taken together, or not at all", async () => {
    const { send, used } = lab([new CallLimit({ capacity: 10, windowMs: 1000 }), PER_IP, PER_USER], {
      by: ({ request, address }) => ({ user: request.headers.get("x-user"), ip: address }),
    });
    const from = (from: string, user?: string) =>
      send("/", { from, ...(user && { headers: { "x-user": user } }) });
    expect((await from("192.0.2.1", "alice")).status).toBe(200);
    // Neither takes anything of the limit of all.
    expect((await from("192.0.2.2", "alice")).status).toBe(429);
    expect((await from("192.0.2.1", "bob")).status).toBe(429);
    expect(used("call_count")).toBe(1);
    // The address of the refused one has taken nothing. Without a user, the limits of users are left out.
    expect((await from("192.0.2.2")).status).toBe(200);
    expect(used("call_count")).toBe(2);
  });

  test("by tier", async () => {
    const { send } = lab([PER_USER], {
      by: async () => ({ user: "alice" }),
      tier: ({ request }) => request.headers.get("x-tier") ?? undefined,
    });
    const pro = { headers: { "x-tier": "pro" } };
    expect(await statuses([send("/", pro), send("/", pro), send("/", pro), send("/", pro)])).toEqual([
      200, 200, 200, 429,
    ]);
  });

  test("by cost, which may be awaited; more than could ever pass is refused for good", async () => {
    const { send, used, refusals } = lab([BYTES, CALLS], {
      cost: async ({ request }) => ({ bytes: Number(request.path.slice(1)) }),
    });
    expect((await send("/60?x=1")).status).toBe(200);
    expect((await send("/60")).status).toBe(429);
    expect(used("bytes")).toBe(60);
    const impossible = await send("/101");
    expect([impossible.status, impossible.headers.get("retry-after")]).toEqual([429, null]);
    expect(refusals.map(({ why, limitedBy, retryAfterMs }) => [why, limitedBy, retryAfterMs])).toEqual([
      ["limited", ["bytes"], 200],
      ["impossible", ["bytes"], Number.POSITIVE_INFINITY],
    ]);
    await expect(send("/none")).rejects.toMatchObject({ code: "ERR_INVALID_REQUEST" });
  });

  test("skipped ones take nothing", async () => {
    const { send, used } = lab([CALLS], { skip: async ({ request }) => request.path === "/health" });
    expect(await statuses([send("/health"), send("/health"), send("/health"), send()])).toEqual([
      200, 200, 200, 200,
    ]);
    expect(used("call_count")).toBe(1);
  });

  test("a shadow lets all pass, and tells what it would have refused", async () => {
    const { send, refusals } = lab([CALLS], { shadow: true, maxWaitMs: 1000 });
    const answers = await Promise.all([send(), send(), send()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers[2]!.headers.get("ratelimit")).toBeNull();
    expect(refusals.map(({ shadow, limitedBy, incoming }) => [shadow, limitedBy, incoming.address])).toEqual([
      [true, ["call_count"], "192.0.2.7"],
    ]);
  });

  test("the path is that of the address, and `native` is the framework's own", async () => {
    const seen: unknown[] = [];
    const { send } = lab([CALLS], {
      skip({ request: { method, path, headers }, native }) {
        seen.push([method, path, headers.get("X-A"), native instanceof Request]);
        return false;
      },
    });
    await send("/a/b?c=/d#e", { method: "POST", headers: { "x-a": "1" } });
    await send("?c=1");
    expect(seen).toEqual([
      ["POST", "/a/b", "1", true],
      ["GET", "/", null, true],
    ]);
  });
});

describe("waits", () => {
  test("up to maxWaitMs, and refuses at once what would wait longer", async () => {
    const { send, clock } = lab([CALLS], { maxWaitMs: 600 });
    expect(await statuses([send(), send()])).toEqual([200, 200]);
    const third = send();
    const fourth = await send();
    expect([fourth.status, fourth.headers.get("retry-after")]).toEqual([429, "1"]);
    await clock.advanceAsync(500);
    expect((await third).status).toBe(200);
  });

  test("a line that is full is 503", async () => {
    const { send, clock, refusals } = lab([CALLS], { maxWaitMs: 10_000, set: { maxWaiting: 1 } });
    const first = [send(), send(), send()];
    await settled();
    const answer = await send();
    expect(answer.status).toBe(503);
    expect(await answer.json()).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity",
      status: 503,
      "violated-policies": ["call_count"],
    });
    expect(refusals).toMatchObject([{ why: "full", status: 503 }]);
    await clock.advanceAsync(500);
    expect(await statuses(first)).toEqual([200, 200, 200]);
  });

  test("a client that goes while it waits takes nothing", async () => {
    const { send, clock, used, limits, refusals } = lab([CALLS], { maxWaitMs: 10_000 });
    await Promise.all([send(), send()]);
    const controller = new AbortController();
    const third = send("/", { signal: controller.signal });
    await settled();
    expect(limits.waiting).toBe(1);
    controller.abort();
    expect((await third).status).toBe(499);
    expect(limits.waiting).toBe(0);
    await clock.advanceAsync(1000);
    expect([used("call_count"), refusals]).toEqual([0, []]);
  });
});

describe("holds until the answer has ended", () => {
  test("sent: its body was read to the end", async () => {
    const { body, send: chunk, end } = stream();
    const { send, used } = lab([SLOTS], { answer: () => new Response(body) });
    const first = await send();
    expect((await send()).status).toBe(429);
    const text = first.text();
    chunk("hel");
    await settled();
    expect(used("slots")).toBe(1);
    chunk("lo");
    end();
    expect(await text).toBe("hello");
    await settled();
    expect(used("slots")).toBe(0);
  });

  test("failed: the body breaks off", async () => {
    const { body, fail } = stream();
    const { send, used } = lab([SLOTS], { answer: () => new Response(body) });
    const text = (await send()).text();
    fail(new Error("broken"));
    await expect(text).rejects.toThrow("broken");
    expect(used("slots")).toBe(0);
  });

  test("failed: the handler throws", async () => {
    const { send, used } = lab([SLOTS], { answer: () => Promise.reject(new Error("no answer")) });
    await expect(send()).rejects.toThrow("no answer");
    expect(used("slots")).toBe(0);
  });

  test("the client has gone: the server cancels the body", async () => {
    const { body, cancelled } = stream();
    const { send, used } = lab([SLOTS], { answer: () => new Response(body) });
    const answer = await send();
    await answer.body!.cancel("gone");
    expect([used("slots"), cancelled()]).toEqual([0, "gone"]);
  });

  test("the client has gone: before the handler has answered, and in the body", async () => {
    let answerNow!: (response: Response) => void;
    const answer = () =>
      new Promise<Response>((resolve) => {
        answerNow = resolve;
      });
    const { send, used } = lab([SLOTS], { answer });
    const before = new AbortController();
    const first = send("/", { signal: before.signal });
    await settled();
    expect(used("slots")).toBe(1);
    before.abort();
    expect(used("slots")).toBe(0);
    answerNow(new Response(stream().body));
    await (await first).body!.cancel();

    const within = new AbortController();
    const second = send("/", { signal: within.signal });
    await settled();
    answerNow(new Response(stream().body));
    await second;
    expect(used("slots")).toBe(1);
    within.abort();
    expect(used("slots")).toBe(0);
  });

  test.each([
    ["HEAD", () => new Response("hello"), "HEAD"],
    ["no body", () => new Response(null, { status: 204 }), "GET"],
    ["a redirect", () => Response.redirect("https://example.com/"), "GET"],
  ])("%s: at once", async (_, answer, method) => {
    const { send, used } = lab([SLOTS, CALLS], { answer });
    const { headers } = await send("/", { method });
    expect([used("slots"), headers.get("ratelimit")]).toEqual([0, '"slots";r=0, "call_count";r=1;t=1']);
  });

  test("once, however often the end comes", async () => {
    const { body } = stream();
    const controller = new AbortController();
    const { send, used, limits } = lab([new ResourceLimit({ key: "slots", capacity: 2 })], {
      answer: () => new Response(body),
    });
    const other = limits.tryAcquire();
    const answer = await send("/", { signal: controller.signal });
    controller.abort();
    await answer.body!.cancel();
    expect(used("slots")).toBe(1);
    other.release();
  });

  test("limits of calls alone hold nothing: the answer is the handler's own", async () => {
    const own = new Response("hello");
    const { send } = lab([CALLS], { answer: () => own });
    expect(await send()).toBe(own);
  });
});

describe("usage", () => {
  test("counts once the answer has ended, above the request too", async () => {
    const { send, used } = lab([BYTES], {
      cost: () => ({ bytes: 1 }),
      usage: ({ bytes }) => ({ bytes }),
      answer: () => new Response("x".repeat(150)),
    });
    const answer = await send();
    expect(used("bytes")).toBe(1);
    await answer.text();
    await settled();
    expect(used("bytes")).toBe(150);
    expect((await send()).status).toBe(429);
  });

  test("of a metric that was not requested is charged, and one that the set does not have is a warning", async () => {
    const { send, used, warnings } = lab([CALLS, BYTES], {
      cost: () => ({ bytes: 0 }),
      usage: ({ bytes, status, complete, incoming }) =>
        incoming.request.path === "/wrong" ? { bites: status } : { bytes: complete ? bytes : 0 },
      answer: () => new Response("hello"),
    });
    await (await send()).text();
    await settled();
    expect(used("bytes")).toBe(5);
    await (await send("/wrong")).text();
    await settled();
    expect(warnings).toMatchObject([
      { code: "ERR_INVALID_REQUEST", message: expect.stringContaining("bites") },
    ]);
  });

  test("an error of the function is a warning, and nothing stays held", async () => {
    const { send, used, warnings } = lab([SLOTS], {
      usage: () => {
        throw new Error("no usage");
      },
    });
    await (await send()).text();
    await settled();
    expect([used("slots"), warnings.map(({ message }) => message)]).toEqual([0, ["no usage"]]);
  });

  test("without the option, rates are charged as they were requested, and release throws nothing", async () => {
    const { send, used } = lab([BYTES, SLOTS], { cost: () => ({ bytes: 7 }) });
    await (await send()).text();
    await settled();
    expect([used("bytes"), used("slots")]).toEqual([7, 0]);
  });
});

describe("an answer of one's own", () => {
  test("whenRefused says status, body and headers, and Retry-After is there", async () => {
    const { send } = lab([CALLS], {
      whenRefused: ({ limitedBy, retryAfterMs }) => ({
        status: 420,
        body: `${limitedBy} ${retryAfterMs}`,
        headers: { "content-type": "text/x" },
      }),
    });
    await Promise.all([send(), send()]);
    const answer = await send();
    const { status, headers } = answer;
    expect([status, await answer.text(), headers.get("content-type"), headers.get("retry-after")]).toEqual([
      ...[420, "call_count 500", "text/x", "1"],
    ]);
  });

  test("undefined is the usual one, and a text has the type of text", async () => {
    const { send } = lab([CALLS], {
      whenRefused: ({ incoming }) => (incoming.request.path === "/" ? undefined : { body: "slow down" }),
    });
    await Promise.all([send(), send()]);
    expect((await send()).headers.get("content-type")).toBe("application/problem+json");
    const answer = await send("/x");
    expect([answer.status, await answer.text(), answer.headers.get("content-type")]).toEqual([
      ...[429, "slow down", "text/plain; charset=utf-8"],
    ]);
  });

  test("a refusal of HEAD has no body", async () => {
    const { send } = lab([CALLS]);
    await Promise.all([send(), send()]);
    const answer = await send("/", { method: "HEAD" });
    expect([answer.status, answer.body]).toEqual([429, null]);
  });
});

describe("a set that cannot be reached", () => {
  /** A set as a backend has it that is away. */
  function away(): LimitSet<string> {
    const limits = new LimitSet<string>();
    const error = () => new BackendUnavailableError("the server does not answer");
    return Object.assign(limits, {
      tryAcquire: () => Promise.reject(error()),
      acquire: () => Promise.reject(error()),
      stats: () => Promise.reject(error()),
      ready: undefined,
    }) as LimitSet<string>;
  }
  const serve = (options: GuardOptions<string>) =>
    guard(away(), options).handler(() => new Response("hello"))(new Request("https://example.com/"));

  test.each([0, 100])("is 503, and nothing passes (maxWaitMs %d)", async (maxWaitMs) => {
    const whys: string[] = [];
    const answer = await serve({ maxWaitMs, onRefused: ({ why }) => whys.push(why) });
    expect([answer.status, answer.headers.get("retry-after"), whys]).toEqual([503, null, ["away"]]);
  });

  test('whenAway: "pass" lets all pass', async () => {
    expect((await serve({ whenAway: "pass" })).status).toBe(200);
  });

  test("a closed set is an error", async () => {
    const { send, limits } = lab([CALLS]);
    limits.close();
    await expect(send()).rejects.toMatchObject({ code: "ERR_LIMIT_SET_CLOSED" });
  });
});

describe("misuse is an error", () => {
  const make = (options: object) => () => guard(new LimitSet({ limits: [CALLS] }), options);
  test.each([
    [{ maxWait: 5 }, /did you mean maxWaitMs\?/],
    [{ by: "ip" }, /by must be a function, got "ip"/],
    [{ maxWaitMs: -1 }, /maxWaitMs must be a number of milliseconds, 0 or more, got -1/],
    [{ shadow: 1 }, /shadow must be true or false/],
    [{ headers: "draft-8" }, /headers must be "draft-11", .* got "draft-8"/],
    [{ headers: ["draft-11", "draft-7"] }, /one of the first two at most/],
    [{ tell: "all" }, /tell must be a list of keys/],
    [{ whenAway: "open" }, /whenAway must be "refuse" or "pass", got "open"/],
    [{ proxies: true }, /proxies must be the number of your proxies, 0 or more, got true/],
    [{ forwardedHeader: "x-real-ip" }, /forwardedHeader must be "x-forwarded-for" or "forwarded"/],
    [{ address: "not a header" }, /address must be the name of a header, or a function/],
    [{ address: "x-real-ip", proxies: 1 }, /proxies must be left out/],
    [{ ipv6Prefix: 0 }, /ipv6Prefix must be a whole number of bits, from 1 to 128, got 0/],
  ])("%j", (options, message) => {
    expect(make(options)).toThrow(message);
  });

  test("no set", () => {
    expect(() => guard({} as never)).toThrow(/the limits must be a set, such as a LimitSet/);
  });

  test("a key to tell that the set does not have", async () => {
    const { send } = lab([CALLS], { tell: ["calls"] });
    await expect(send()).rejects.toThrow(/"calls"/);
  });

  test("a partition that is missing: the error names it", async () => {
    const { send } = lab([PER_USER]);
    await expect(send()).rejects.toThrow(/"user"/);
  });
});
