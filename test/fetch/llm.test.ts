/** Providers of model APIs: what a request costs, and what an answer says was used. */
import { describe, expect, test } from "vitest";
import type { Provider } from "../../src/fetch/index.ts";
import { CallLimit, RateLimit, ResourceLimit } from "../../src/index.ts";
import { anthropic, azureOpenai, gemini, groq, openai } from "../../src/llm/index.ts";
import { lab, settled, stream } from "./lab.ts";

const rate = (key: string) => new RateLimit({ key, capacity: 100_000, windowMs: 60_000 });
const LIMITS = [
  new CallLimit({ capacity: 500, windowMs: 60_000 }),
  ...["tokens", "input_tokens", "output_tokens"].map(rate),
  new ResourceLimit({ key: "connections", capacity: 9 }),
];

const CHAT = "https://api.example.com/v1/chat/completions";
const MESSAGES = "https://api.anthropic.com/v1/messages";
const GENERATE = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent";

const json = (value: unknown) =>
  new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });
const events = (...values: readonly object[]) =>
  values.map((value) => `data: ${JSON.stringify(value)}\n\n`).join("");
const sse = (body: BodyInit) =>
  new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });

/** Input and output tokens, and their sum: reserved, and after the answer. */
async function usage(provider: Provider, url: string, body: object, answer: Response): Promise<number[][]> {
  const { fetch, used, limits } = lab(LIMITS, { provider, answers: () => answer });
  const read = () => ["input_tokens", "output_tokens", "tokens"].map(used);
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  const reserved = read();
  await response.text();
  expect(used("connections")).toBe(0);
  const after = read();
  limits.close();
  return [reserved, after];
}

const text = (bytes: number) => "x".repeat(bytes);

describe("costs", () => {
  const costs = async (provider: Provider, url: string, body: object | undefined, method = "POST") => {
    const { input_tokens, output_tokens } = (await provider.cost!({
      ...{ url: new URL(url), method, headers: new Headers() },
      text: async () => body && JSON.stringify(body),
      json: async () => body,
    })) as Record<string, number>;
    return [input_tokens, output_tokens];
  };
  const length = (body: object, more = 0) => Math.ceil(JSON.stringify(body).length / 4) + more;

  test.each([
    ["max_tokens", CHAT, { max_tokens: 300 }, 300],
    ["max_completion_tokens", CHAT, { max_completion_tokens: 300, max_tokens: 5 }, 300],
    ["several choices", CHAT, { max_tokens: 300, n: 3 }, 900],
    ["max_output_tokens", "https://api.openai.com/v1/responses", { max_output_tokens: 70 }, 70],
    ["none said", CHAT, {}, 1024],
    ["nonsense", CHAT, { max_tokens: -5 }, 1024],
    ["embeddings", "https://api.openai.com/v1/embeddings", { input: ["one"] }, 0],
    [
      "Azure",
      "https://some.openai.azure.com/openai/deployments/d/chat/completions?api-version=1",
      { max_tokens: 300 },
      300,
    ],
  ])("openai: %s", async (_, url, body, output) => {
    expect(await costs(openai(), url, body)).toEqual([length(body), output]);
  });

  test("requests that make nothing cost a call", async () => {
    expect(await costs(openai(), "https://api.openai.com/v1/models", undefined, "GET")).toEqual([0, 0]);
    expect(await costs(openai(), "https://api.openai.com/v1/files", { a: 1 })).toEqual([0, 0]);
    expect(await costs(anthropic(), `${MESSAGES}/count_tokens`, { messages: [] })).toEqual([0, 0]);
    expect(await costs(gemini(), GENERATE.replace("generateContent", "countTokens"), {})).toEqual([0, 0]);
    for (const body of [undefined, null, 5, "text"]) {
      expect(await costs(openai(), CHAT, body as never)).toEqual([0, 0]);
    }
  });

  test("anthropic and gemini", async () => {
    const body = { max_tokens: 64, messages: [] };
    expect(await costs(anthropic(), MESSAGES, body)).toEqual([length(body), 64]);
    const wanted = { generationConfig: { maxOutputTokens: 50, candidateCount: 2 } };
    expect(await costs(gemini(), GENERATE, wanted)).toEqual([length(wanted), 100]);
    expect((await costs(gemini({ outputTokens: 7 }), GENERATE, {}))[1]).toBe(7);
    expect((await costs(gemini(), GENERATE.replace("generateContent", "embedContent"), {}))[1]).toBe(0);
  });

  test("a picture costs what vendors count for one; a tokenizer counts words", async () => {
    const body = { max_tokens: 1, messages: [{ image: `data:image/png;base64,${text(400_000)}==` }] };
    const rest = { max_tokens: 1, messages: [{ image: "data:image/png;base64," }] };
    expect(await costs(openai(), CHAT, body)).toEqual([length(rest, 1600), 1]);
    const countTokens = (words: string) => words.split(" ").length;
    expect((await costs(openai({ countTokens }), CHAT, { messages: "one two three" }))[0]).toBe(3);
  });
});

describe("usage in one piece", () => {
  const reserved = (body: object, output: number) => {
    const input = Math.ceil(JSON.stringify(body).length / 4);
    return [input, output, input + output];
  };

  test.each([
    ["openai chat", openai(), CHAT, { usage: { prompt_tokens: 40, completion_tokens: 8 } }, [40, 8, 48]],
    [
      "openai responses",
      openai(),
      "https://api.openai.com/v1/responses",
      {
        output: [],
        usage: { input_tokens: 40, input_tokens_details: { cached_tokens: 1 }, output_tokens: 8 },
        user: null,
      },
      [40, 8, 48],
    ],
    [
      "openai embeddings",
      openai(),
      "https://api.openai.com/v1/embeddings",
      { usage: { prompt_tokens: 40, total_tokens: 40 } },
      [40, 0, 40],
    ],
    [
      "groq",
      groq(),
      CHAT,
      { usage: { prompt_tokens: 40, completion_tokens: 8 }, x_groq: { id: "1" } },
      [40, 8, 48],
    ],
    [
      "anthropic",
      anthropic(),
      MESSAGES,
      {
        content: [{ type: "tool_use", input: { usage: { input_tokens: 0, output_tokens: 0 } } }],
        usage: {
          input_tokens: 30,
          cache_creation_input_tokens: 10,
          cache_read_input_tokens: 900,
          output_tokens: 8,
        },
      },
      [40, 8, 48],
    ],
    [
      "anthropic, where cache reads count",
      anthropic({ cacheReads: true }),
      MESSAGES,
      {
        usage: {
          input_tokens: 30,
          cache_creation_input_tokens: null,
          cache_read_input_tokens: 10,
          output_tokens: 8,
        },
      },
      [40, 8, 48],
    ],
    [
      "gemini",
      gemini(),
      GENERATE,
      {
        usageMetadata: {
          promptTokenCount: 40,
          candidatesTokenCount: 5,
          thoughtsTokenCount: 3,
          totalTokenCount: 48,
        },
      },
      [40, 8, 48],
    ],
  ])("%s", async (_, provider, url, answer, used) => {
    expect((await usage(provider, url, { max_tokens: 300 }, json(answer)))[1]).toEqual(used);
    const pretty = new Response(JSON.stringify(answer, undefined, 2), {
      headers: { "content-type": "application/json" },
    });
    expect((await usage(provider, url, { max_tokens: 300 }, pretty))[1]).toEqual(used);
  });

  test("in a body of megabytes, at its end", async () => {
    const answer = json({ data: text(5_000_000), usage: { prompt_tokens: 40, completion_tokens: 8 } });
    expect((await usage(openai(), CHAT, {}, answer))[1]).toEqual([40, 8, 48]);
  });

  test("that is missing is what was reserved; more than reserved is charged", async () => {
    const body = { max_tokens: 300 };
    expect((await usage(openai(), CHAT, body, json({})))[1]).toEqual(reserved(body, 300));
    const more = json({ usage: { prompt_tokens: 4000, completion_tokens: 400 } });
    expect((await usage(openai(), CHAT, body, more))[1]).toEqual([4000, 400, 4400]);
  });

  test("of Azure is never less than reserved", async () => {
    const body = { max_tokens: 300 };
    const answer = json({ usage: { prompt_tokens: 4000, completion_tokens: 8 } });
    const [, [input, output]] = (await usage(azureOpenai(), CHAT, body, answer)) as [number[], number[]];
    expect([input, output]).toEqual([4000, 300]);
  });

  test.each([
    [400, 0],
    [429, 0],
    [529, 0],
    [500, 300],
  ])("an answer of status %i has used %i", async (status, output) => {
    const body = { max_tokens: 300 };
    const answer = new Response("{}", { status, headers: { "content-type": "application/json" } });
    const used = (await usage(openai(), CHAT, body, answer))[1];
    expect(used).toEqual(output === 0 ? [0, 0, 0] : reserved(body, output));
  });
});

describe("usage of streams", () => {
  const chunk = (content: string) => ({ choices: [{ index: 0, delta: { content } }], usage: null });

  test("openai chat: the last chunk", async () => {
    const last = { choices: [], usage: { prompt_tokens: 40, completion_tokens: 8 } };
    const body = `${events(...Array(3000).fill(chunk(`say "usage":{"prompt_tokens":1}`)), last)}data: [DONE]\n\n`;
    expect((await usage(openai(), CHAT, {}, sse(body)))[1]).toEqual([40, 8, 48]);
  });

  test("openai responses: the event that says it is complete, however long it is", async () => {
    const done = {
      type: "response.completed",
      response: {
        output: [text(500_000)],
        tools: [],
        usage: { input_tokens: 40, output_tokens: 8 },
        metadata: {},
      },
    };
    const body = events({ type: "response.created", response: { usage: null } }, done);
    expect((await usage(openai(), "https://api.openai.com/v1/responses", {}, sse(body)))[1]).toEqual([
      40, 8, 48,
    ]);
  });

  test("anthropic: the first event and the last, however much is between them", async () => {
    const start = {
      type: "message_start",
      message: { usage: { input_tokens: 30, cache_creation_input_tokens: 10, output_tokens: 1 } },
    };
    const delta = { type: "content_block_delta", delta: { text: text(1000) } };
    const end = { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 8 } };
    for (const many of [1, 1000]) {
      const body = events(start, ...Array(many).fill(delta), end, { type: "message_stop" });
      expect((await usage(anthropic(), MESSAGES, {}, sse(body)))[1]).toEqual([40, 8, 48]);
    }
  });

  test("gemini: the last event", async () => {
    const body = events(
      { usageMetadata: { promptTokenCount: 40 } },
      { usageMetadata: { promptTokenCount: 40, candidatesTokenCount: 8 } },
    );
    expect((await usage(gemini(), GENERATE, {}, sse(body)))[1]).toEqual([40, 8, 48]);
  });

  test("without usage: input as reserved, output by estimate", async () => {
    const request = { max_tokens: 300 };
    const words = ["Call", " me", " Ish", "mael", ".", " Some", " years", " ago"];
    const body = `${events(...words.map(chunk))}data: [DONE]\n\n`;
    const [[input], [after, output]] = (await usage(openai(), CHAT, request, sse(body))) as [
      number[],
      number[],
    ];
    expect(after).toBe(input);
    // One for each event.
    expect(output).toBe(8);
  });

  test("cancelled: what it has said so far, and output by estimate, but not more than reserved", async () => {
    for (const [most, least, greatest] of [
      [1000, 150, 400],
      [100, 100, 100],
    ] as const) {
      const { body, send, cancelled } = stream();
      const { fetch, used } = lab(LIMITS, { provider: anthropic(), answers: () => sse(body) });
      const request = { method: "POST", body: JSON.stringify({ max_tokens: most }) };
      const reader = (await fetch(MESSAGES, request)).body!.getReader();
      send(events({ type: "message_start", message: { usage: { input_tokens: 40, output_tokens: 1 } } }));
      await reader.read();
      for (let i = 0; i < 10; i++) {
        send(events({ type: "content_block_delta", delta: { text: text(80) } }));
        await reader.read();
      }
      await reader.cancel();
      await settled();
      expect(cancelled()).toBeDefined();
      expect(used("input_tokens")).toBe(40);
      expect(used("output_tokens")).toBeGreaterThanOrEqual(least);
      expect(used("output_tokens")).toBeLessThanOrEqual(greatest);
    }
  });

  test("cut in the middle of its usage: as if it had not said it", async () => {
    const body = `${events(chunk("one"))}data: {"choices":[],"usage":{"prompt_tokens":40,"completion_tok`;
    const [[input], [after]] = (await usage(openai(), CHAT, {}, sse(body))) as [number[], number[]];
    expect(after).toBe(input);
  });
});

describe("options", () => {
  const makers = { openai, azureOpenai, groq, anthropic, gemini };
  test.each(Object.entries(makers))("of %s that make no sense are errors", (_, make) => {
    const wrong: readonly [unknown, RegExp][] = [
      [{ outputToken: 1 }, /outputToken must be left out.*did you mean outputTokens/],
      [{ outputTokens: -1 }, /outputTokens must be a number, 0 or more, got -1/],
      [{ outputTokens: "x" }, /outputTokens must be a number, 0 or more, got "x"/],
      [{ countTokens: 5 }, /countTokens must be a function, got 5/],
      [{ windowMs: 0 }, /windowMs must be a number above 0, got 0/],
      [5, /options must be an object/],
      [null, /options must be an object/],
    ];
    for (const [options, message] of wrong) {
      expect(() => make(options as never)).toThrow(message);
      expect(() => make(options as never)).toThrow(expect.objectContaining({ code: "ERR_INVALID_REQUEST" }));
    }
  });
});
