/** `limitFetch`: what it takes, holds and gives back. */
import { describe, expect, test } from "vitest";
import { limitFetch } from "../../src/fetch/index.ts";
import { type InvalidRequestError, LimitSet, type LimitSetClosedError } from "../../src/index.ts";
import { CALLS, CONNECTIONS, counting, lab, post, settled, stream, TOKENS, URL_OF_API } from "./lab.ts";

describe("takes before the call", () => {
  test("one of each call limit and resource, and waits for its turn", async () => {
    const { fetch, sent, used, clock } = lab([CALLS, CONNECTIONS], { answers: () => new Response("hello") });
    for (let i = 0; i < 3; i++) void fetch(URL_OF_API).then((response) => response.text());
    await settled();
    expect(sent.length).toBe(2);
    expect(used("call_count")).toBe(2);
    await clock.advanceAsync(500);
    await settled();
    expect(sent.length).toBe(3);
    expect(used("connections")).toBe(0);
  });

  test("the option `cost` says amounts, and the options of the wait reach the set", async () => {
    const { fetch, used, sent } = lab([CALLS, TOKENS], {
      cost: async (request) => ({ call_count: 0, tokens: (await request.text())!.length }),
      timeoutMs: 0,
      refused: "throw",
    });
    void fetch(URL_OF_API, { method: "POST", body: "x".repeat(60) });
    await settled();
    expect([used("tokens"), used("call_count")]).toEqual([60, 0]);
    await expect(fetch(URL_OF_API, { method: "POST", body: "x".repeat(60) })).rejects.toMatchObject({
      code: "ERR_ACQUIRE_TIMEOUT",
      limitedBy: ["tokens"],
    });
    expect(sent.length).toBe(1);
  });

  test("a provider's costs are capped at what could pass, in whole units, and renamed; what the set does not have is left out", async () => {
    const provider = { name: "any", cost: () => ({ tokens: 1e9, words: 4, other: 5, call_count: 1 }) };
    const tens = { type: "rate", key: "wpm", capacity: 100, windowMs: 1000, unit: 10 } as const;
    const { fetch, used } = lab([CALLS, TOKENS, tens], { provider, metrics: { words: "wpm" } });
    void fetch(URL_OF_API);
    await settled();
    expect([used("tokens"), used("wpm"), used("call_count")]).toEqual([100, 10, 1]);
  });

  test("a higher priority goes first", async () => {
    const { fetch, sent, clock } = lab([CALLS], {
      priority: ({ url }) => (url.pathname === "/urgent" ? 1 : 0),
      answers: () => new Response(),
    });
    for (const path of ["1", "2", "3", "urgent"]) void fetch(`https://api.example.com/${path}`);
    await settled();
    await clock.advanceAsync(500);
    await settled();
    expect(sent.map(({ input }) => String(input).split("/").pop())).toEqual(["1", "2", "urgent"]);
  });

  test("onWait tells of the requests that wait, and why", async () => {
    const waits: unknown[] = [];
    const { fetch } = lab([CALLS], {
      onWait: ({ request, retryAfterMs, limitedBy }) => waits.push([request.method, retryAfterMs, limitedBy]),
    });
    for (let i = 0; i < 3; i++) void fetch(URL_OF_API);
    await settled();
    expect(waits).toEqual([["GET", 500, ["call_count"]]]);
  });

  test("onWait takes nothing for a request that was aborted before, and counts no refusal", async () => {
    const { fetch, limits } = lab([CALLS], { onWait: () => {}, answers: () => new Response() });
    await expect(fetch(URL_OF_API, { signal: AbortSignal.abort() })).rejects.toThrow("aborted");
    expect(limits.stats()["call_count"]).toMatchObject({ used: 0, refused: 0 });
    for (let i = 0; i < 3; i++) void fetch(URL_OF_API);
    await settled();
    expect(limits.stats()["call_count"]).toMatchObject({ used: 2, refused: 0, waiting: 1 });
  });

  test("a body that is known to be empty holds nothing", async () => {
    const { fetch, used } = lab([CONNECTIONS], {
      answers: () => new Response(new ReadableStream(), { status: 201, headers: { "content-length": "0" } }),
    });
    await fetch(URL_OF_API, { method: "POST" });
    expect(used("connections")).toBe(0);
  });

  test("routes have sets of their own, by host; others take from the first set", async () => {
    const [one, two] = [new LimitSet({ limits: [CALLS] }), new LimitSet({ limits: [CALLS, TOKENS] })];
    const { fetch, used } = lab([CALLS], {
      routes: { "one.example": one, "localhost:8080": { limits: two, cost: () => ({ tokens: 5 }) as never } },
      answers: () => new Response(),
    });
    await fetch("https://one.example/");
    await fetch("https://ONE.example:443/again");
    await fetch(new URL("http://localhost:8080/"));
    await fetch("http://localhost:8081/");
    expect([one.stats().call_count.used, two.stats().tokens.used, used("call_count")]).toEqual([2, 5, 1]);
  });
});

describe("holds until the body has ended", () => {
  test("read to its end", async () => {
    const { body, send, end } = stream();
    const bodies = [body, null];
    const { fetch, sent, used } = lab([CONNECTIONS], { answers: () => new Response(bodies.shift()) });
    const response = await fetch(URL_OF_API);
    const text = response.text();
    void fetch(URL_OF_API);
    send("hel");
    await settled();
    expect([used("connections"), sent.length]).toEqual([1, 1]);
    send("lo");
    end();
    expect(await text).toBe("hello");
    await settled();
    expect(sent.length).toBe(2);
  });

  test("failed: the reader gets the error", async () => {
    const { body, fail } = stream();
    const { fetch, used } = lab([CONNECTIONS], { answers: () => new Response(body) });
    const text = (await fetch(URL_OF_API)).text();
    fail(new Error("reset"));
    await expect(text).rejects.toThrow("reset");
    expect(used("connections")).toBe(0);
  });

  test("failed while nothing reads it, as after an abort", async () => {
    const { body, fail } = stream();
    const { fetch, used } = lab([CONNECTIONS], { answers: () => new Response(body) });
    const response = await fetch(URL_OF_API);
    fail(new Error("aborted"));
    await settled();
    expect(used("connections")).toBe(0);
    await expect(response.text()).rejects.toThrow("aborted");
  });

  test("cancelled: so is the one beneath", async () => {
    const { body, send, cancelled } = stream();
    const { fetch, used } = lab([CONNECTIONS], { answers: () => new Response(body) });
    const reader = (await fetch(URL_OF_API)).body!.getReader();
    send("hello");
    await reader.read();
    const pending = reader.read();
    await reader.cancel("enough");
    expect(await pending).toEqual({ done: true, value: undefined });
    expect(cancelled()).toBe("enough");
    expect(used("connections")).toBe(0);
  });

  test("a clone holds until both are read", async () => {
    const { fetch, used } = lab([CONNECTIONS], { answers: () => new Response("hello") });
    const response = await fetch(URL_OF_API);
    const clone = response.clone();
    expect(await Promise.all([clone.text(), response.text()])).toEqual(["hello", "hello"]);
    expect(used("connections")).toBe(0);
  });

  test.each([
    ["no body", () => new Response(null, { status: 204 })],
    ["an answer to HEAD", () => new Response(null, { status: 200 })],
    ["an answer that is an error", () => Response.error()],
    ["a body that is no stream", () => ({ status: 200, headers: new Headers(), body: "text" }) as never],
  ])("%s ends at once", async (_, answers) => {
    const { fetch, used } = lab([CONNECTIONS], { answers });
    await fetch(URL_OF_API, { method: "HEAD" });
    expect(used("connections")).toBe(0);
  });

  test("an error before the answer gives back; the calls are charged", async () => {
    const { fetch, sent, used } = lab([CALLS, CONNECTIONS]);
    const call = fetch(URL_OF_API);
    await settled();
    sent[0]!.fail(new TypeError("fetch failed"));
    await expect(call).rejects.toThrow("fetch failed");
    expect([used("connections"), used("call_count")]).toEqual([0, 1]);
  });

  test("a body that is not read gives back after a minute, with one warning; its reader learns why", async () => {
    const { body, cancelled } = stream();
    const { fetch, used, clock, warnings } = lab([CONNECTIONS], { answers: () => new Response(body) });
    const response = await fetch(URL_OF_API);
    await clock.advanceAsync(59_999);
    expect(used("connections")).toBe(1);
    await clock.advanceAsync(1);
    expect(used("connections")).toBe(0);
    expect(warnings.map(({ name, message }) => [name, message.includes("secret")])).toEqual([
      ["UnreadBodyWarning", false],
    ]);
    expect(cancelled()).toBe(warnings[0]);
    await expect(response.text()).rejects.toBe(warnings[0]);
    expect(clock.pendingTimers).toBe(0);
  });

  test("a short body of an error is read at once, and holds nothing", async () => {
    const { fetch, used } = lab([CONNECTIONS], { answers: () => new Response("not found", { status: 404 }) });
    const response = await fetch(URL_OF_API);
    await settled();
    expect(used("connections")).toBe(0);
    expect(await response.text()).toBe("not found");
  });

  test("a body that is waited for is not unread, however slow it is", async () => {
    const { body, send, end } = stream();
    const { fetch, used, clock } = lab([CONNECTIONS], { answers: () => new Response(body), unreadMs: 1000 });
    const text = (await fetch(URL_OF_API)).text();
    await settled();
    for (let i = 0; i < 5; i++) {
      await clock.advanceAsync(3000);
      send("x");
      await settled();
    }
    expect(used("connections")).toBe(1);
    end();
    expect(await text).toBe("xxxxx");
    expect(clock.pendingTimers).toBe(0);
  });

  test("nothing is read ahead of the reader", async () => {
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulls++;
          controller.enqueue(new Uint8Array(10));
        },
      },
      { highWaterMark: 0 },
    );
    const { fetch } = lab([CONNECTIONS], { answers: () => new Response(body) });
    const reader = (await fetch(URL_OF_API)).body!.getReader();
    await settled();
    expect(pulls).toBe(0);
    await reader.read();
    expect(pulls).toBe(1);
  });
});

describe("the answer", () => {
  test("is as it was, but for its body", async () => {
    const answer = new Response("hello", {
      status: 201,
      statusText: "Made",
      headers: { "x-some": "header" },
    });
    Object.defineProperties(answer, {
      url: { value: "https://elsewhere.example/" },
      redirected: { value: true },
      type: { value: "cors" },
    });
    const { fetch } = lab([CALLS], { answers: () => answer });
    const response = await fetch(URL_OF_API);
    for (const each of [response, response.clone(), response.clone().clone()]) {
      expect(each).toBeInstanceOf(Response);
      const { status, statusText, ok, url, redirected, type } = each;
      expect([status, statusText, ok, url, redirected, type]).toEqual([
        ...[201, "Made", true, "https://elsewhere.example/", true, "cors"],
      ]);
      expect(each.headers.get("x-some")).toBe("header");
    }
    expect(await response.text()).toBe("hello");
  });

  test("of a status that no constructor takes keeps it", async () => {
    const answer = new Response("hello");
    Object.defineProperties(answer, { status: { value: 999 }, ok: { value: false } });
    const response = await lab([CALLS], { answers: () => answer }).fetch(URL_OF_API);
    expect([response.status, response.ok, await response.text()]).toEqual([999, false, "hello"]);
  });
});

describe("abort", () => {
  test("while it waits: nothing is taken, nothing is sent", async () => {
    const { fetch, sent, limits } = lab([CALLS]);
    for (let i = 0; i < 2; i++) void fetch(URL_OF_API);
    const controller = new AbortController();
    const call = fetch(URL_OF_API, { signal: controller.signal });
    await settled();
    expect(limits.waiting).toBe(1);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(call).rejects.toBe(reason);
    expect([limits.waiting, sent.length]).toEqual([0, 2]);
  });

  test("of a Request's own signal, before it begins", async () => {
    const { fetch, sent } = lab([CALLS]);
    const request = new Request(URL_OF_API, { signal: AbortSignal.abort() });
    await expect(fetch(request)).rejects.toMatchObject({ name: "AbortError" });
    expect(sent.length).toBe(0);
  });

  test("in flight: what it held is back, and no retry follows", async () => {
    const { fetch, sent, used } = lab([CONNECTIONS], { retry: 3 });
    const controller = new AbortController();
    const call = fetch(URL_OF_API, { signal: controller.signal });
    await settled();
    controller.abort();
    await expect(call).rejects.toMatchObject({ name: "AbortError" });
    expect([used("connections"), sent.length]).toEqual([0, 1]);
  });
});

describe("settles usage", () => {
  const json = (tokens: number) => () =>
    new Response(JSON.stringify({ text: `no "usage": {"tokens":1} here`, usage: { tokens } }), {
      headers: { "content-type": "application/json; charset=utf-8" },
    });

  test("what was not used comes back, at the end of the body", async () => {
    const { fetch, used } = lab([CALLS, TOKENS], { provider: counting, answers: json(7) });
    const response = await fetch(URL_OF_API, post(40));
    expect(used("tokens")).toBe(40);
    await response.json();
    expect(used("tokens")).toBe(7);
  });

  test("what was used beyond the request is charged, whether the limit takes debts or not", async () => {
    for (const overage of ["error", "debt"] as const) {
      const limit = { type: "rate", key: "tokens", capacity: 100, windowMs: 1000, overage } as const;
      const { fetch, used } = lab([limit], { provider: counting, answers: json(130) });
      await (await fetch(URL_OF_API, post(40))).text();
      expect(used("tokens")).toBe(130);
    }
  });

  test("what is not known is charged in full", async () => {
    const bad = [json("many" as never), json(-5), json(Number.NaN), () => new Response("{}")];
    for (const answers of bad) {
      const { fetch, used } = lab([TOKENS], { provider: counting, answers });
      await (await fetch(URL_OF_API, post(40))).text();
      expect(used("tokens")).toBe(40);
    }
  });

  test("a claim of more than an hour's worth is charged as an hour's", async () => {
    const { fetch, used } = lab([TOKENS], { provider: counting, answers: json(1e15) });
    await (await fetch(URL_OF_API, post(40))).text();
    expect(used("tokens")).toBe(360_000);
  });

  test("the option `usage` wins over the provider, and knows the length of the body", async () => {
    const seen: unknown[] = [];
    const { fetch, used } = lab([CALLS, TOKENS], {
      provider: counting,
      usage: ({ status, complete, bytes, text }) => {
        seen.push([status, complete, bytes, text]);
        return { tokens: bytes, call_count: 0 };
      },
      answers: () => new Response("hello"),
    });
    await (await fetch(URL_OF_API, post(40))).text();
    expect(seen).toEqual([[200, true, 5, "hello"]]);
    expect([used("tokens"), used("call_count")]).toEqual([5, 0]);
  });

  test("an error of the option `usage` reaches the reader, and everything is given back", async () => {
    const { fetch, used } = lab([CONNECTIONS], {
      usage: () => {
        throw new Error("a mistake");
      },
      answers: () => new Response("hello"),
    });
    await expect((await fetch(URL_OF_API)).text()).rejects.toThrow("a mistake");
    expect(used("connections")).toBe(0);
  });
});

describe("refused here", () => {
  test("a request that could never pass: 429 at once, marked for the clients of vendors", async () => {
    const { fetch, sent, used } = lab([CALLS, TOKENS], { cost: () => ({ tokens: 101 }) });
    const response = await fetch(URL_OF_API);
    expect(response.status).toBe(429);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(response.headers.get("retry-after")).toBeNull();
    expect(await response.json()).toMatchObject({
      type: "https://iana.org/assignments/http-problem-types#quota-exceeded",
      status: 429,
      code: "ERR_INVALID_REQUEST",
      "violated-policies": ["tokens"],
      error: { type: "rate_limit_error", message: expect.stringContaining("tokens") },
    });
    expect([sent.length, used("call_count")]).toEqual([0, 0]);
  });

  test.each([
    ["timeoutMs", { timeoutMs: 0 }, "ERR_ACQUIRE_TIMEOUT"],
    ["maxWaitMs", { maxWaitMs: 100 }, "ERR_WAIT_TOO_LONG"],
  ])("by %s: with Retry-After, in whole seconds", async (_, options, code) => {
    const { fetch } = lab([CALLS], options);
    for (let i = 0; i < 2; i++) void fetch(URL_OF_API);
    await settled();
    const response = await fetch(URL_OF_API);
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toMatchObject({ code, "violated-policies": ["call_count"] });
  });

  test("by a full queue", async () => {
    const limits = new LimitSet({ limits: [CONNECTIONS], maxWaiting: 0 });
    limits.tryAcquire();
    const response = await limitFetch(limits)(URL_OF_API);
    expect(await response.json()).toMatchObject({ code: "ERR_QUEUE_FULL" });
    limits.close();
  });

  test("other errors are thrown: mistakes, and sets that are closed", async () => {
    const { fetch, limits } = lab([CALLS], { cost: () => ({ tokns: 1 }) });
    await expect(fetch(URL_OF_API)).rejects.toThrow(/no limit has the key "tokns"/);
    limits.close();
    const closed: Partial<LimitSetClosedError> = { name: "LimitSetClosedError" };
    await expect(lab([CALLS]).fetch("//")).rejects.toThrow(TypeError);
    await expect(limitFetch(limits)(URL_OF_API)).rejects.toMatchObject(closed);
  });
});

describe("options", () => {
  const limits = new LimitSet({ limits: [CALLS] });

  test.each([
    [{ priorty: 2 }, /priorty must be left out.*did you mean priority/],
    [{ retry: 1.5 }, /retry must be a whole number, 0 or more, got 1.5/],
    [{ retry: { time: 2 } }, /time must be left out/],
    [{ timeoutMs: -1 }, /timeoutMs must be a number of milliseconds, 0 or more, got -1/],
    [{ unreadMs: "1" }, /unreadMs must be a number of milliseconds, 0 or more, got "1"/],
    [{ cost: 5 }, /cost must be a function, got 5/],
    [
      { provider: "openai" },
      /provider must be a provider, such as openai\(\) of limitset\/llm, got "openai"/,
    ],
    [{ refused: "reject" }, /refused must be "respond" or "throw", got "reject"/],
    [{ routes: { host: { limits, fetch } } }, /fetch must be left out, since a route has no such option/],
    [{ routes: 5 }, /routes must be an object: sets, or routes, by host, got 5/],
    [{ routes: { host: 5 } }, /options must be an object that may have limits.*got 5/],
    [{ routes: { host: null } }, /options must be an object that may have limits.*got null/],
    [{ metrics: 5 }, /metrics must be an object: names of the set, by those of the provider, got 5/],
    [{ metrics: { a: 5 } }, /metrics must be an object: names of the set/],
    [{ priority: "high" }, /priority must be a finite number, or a function, got "high"/],
    [{ priority: Number.NaN }, /priority must be a finite number, or a function, got NaN/],
    [{ learn: 5 }, /learn must be true or false, got 5/],
    [{ onWarning: 5 }, /onWarning must be a function, got 5/],
    [{ clock: {} }, /clock must be a Clock/],
    [{ routes: { host: { limits: 5 } } }, /the limits must be a set, such as a LimitSet, got 5/],
  ])("a mistake in %j is an error", (options, message) => {
    const error: Partial<InvalidRequestError> = { name: "InvalidRequestError" };
    expect(() => limitFetch(limits, options as never)).toThrow(message);
    expect(() => limitFetch(limits, options as never)).toThrow(expect.objectContaining(error));
  });

  test("limits that are no set are an error", () => {
    expect(() => limitFetch(undefined as never)).toThrow(/the limits must be a set/);
  });
});
