/** `limitModel`, in the AI SDK. */
import { embed, generateText, streamText, wrapEmbeddingModel, wrapLanguageModel } from "ai";
import { MockEmbeddingModelV3, MockLanguageModelV3, simulateReadableStream } from "ai/test";
import * as next from "ai-7";
import { MockEmbeddingModelV4, MockLanguageModelV4 } from "ai-7/test";
import { describe, expect, test } from "vitest";
import { CallLimit, InvalidRequestError, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { limitModel } from "../../src/llm/index.ts";

const rate = (key: string) => new RateLimit({ key, capacity: 10_000, windowMs: 86_400_000 });

function setUp(options: Parameters<typeof limitModel>[1] = {}) {
  const limits = new LimitSet<string>({
    limits: [
      new CallLimit({ capacity: 100, windowMs: 86_400_000 }),
      ...["input_tokens", "output_tokens", "tokens"].map(rate),
      new ResourceLimit({ key: "connections", capacity: 2 }),
    ],
  });
  const used = () =>
    ["call_count", "input_tokens", "output_tokens", "tokens", "connections"].map(
      (key) => limits.stats()[key]!.used,
    );
  return { limits, middleware: limitModel(limits, options), used };
}

const usage = {
  inputTokens: { total: 30, noCache: 30, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 12, text: 12, reasoning: undefined },
};
const finishReason = { unified: "stop", raw: undefined } as const;

describe("limitModel", () => {
  test("generateText: holds while the model answers, then settles its usage", async () => {
    const { limits, middleware, used } = setUp();
    const during: number[][] = [];
    const model = new MockLanguageModelV3({
      doGenerate: async () => {
        during.push(used());
        return { content: [{ type: "text", text: "hello" }], finishReason, usage, warnings: [] };
      },
    });
    const wrapped = wrapLanguageModel({ model, middleware });
    expect((await generateText({ model: wrapped, prompt: "hi", maxOutputTokens: 300 })).text).toBe("hello");
    const [calls, input, output, tokens, connections] = during[0]!;
    expect([calls, output, tokens, connections]).toEqual([1, 300, input! + 300, 1]);
    expect(input).toBeGreaterThan(5);
    expect(used()).toEqual([1, 30, 12, 42, 0]);
    limits.close();
  });

  const parts = (end: boolean) => [
    { type: "text-start", id: "1" } as const,
    ...Array.from({ length: 10 }, () => ({ type: "text-delta", id: "1", delta: "four char sets " }) as const),
    ...(end ? [{ type: "finish", finishReason, usage } as const] : []),
  ];

  test("streamText: holds until the stream has ended", async () => {
    const { limits, middleware, used } = setUp();
    const model = new MockLanguageModelV3({
      doStream: async () => ({ stream: simulateReadableStream({ chunks: parts(true) }) }),
    });
    const { textStream } = streamText({
      model: wrapLanguageModel({ model, middleware }),
      prompt: "hi",
      maxOutputTokens: 300,
    });
    let held = 0;
    for await (const _ of textStream) held = Math.max(held, limits.stats()["connections"]!.used);
    expect(held).toBe(1);
    expect(used()).toEqual([1, 30, 12, 42, 0]);
    limits.close();
  });

  test("a stream that is left charges its input as reserved, and its output by estimate", async () => {
    const { limits, middleware, used } = setUp();
    const model = new MockLanguageModelV3({
      doStream: async () => ({ stream: simulateReadableStream({ chunks: parts(false) }) }),
    });
    const wrapped = wrapLanguageModel({ model, middleware });
    const { stream } = await wrapped.doStream({ prompt: [], maxOutputTokens: 300 });
    const reader = stream.getReader();
    for (let i = 0; i < 5; i++) await reader.read();
    await reader.cancel();
    const [, , output, , connections] = used();
    // Four deltas of 15 letters.
    expect([output, connections]).toEqual([15, 0]);
    limits.close();
  });

  test("embed: no output", async () => {
    const { limits, middleware, used } = setUp();
    const model = new MockEmbeddingModelV3({
      doEmbed: async () => ({ embeddings: [[0.5]], usage: { tokens: 9 }, warnings: [] }),
    });
    await embed({ model: wrapEmbeddingModel({ model, middleware }), value: "hello" });
    expect(used()).toEqual([1, 9, 0, 9, 0]);
    limits.close();
  });

  test("an error gives back what was held, and charges what was reserved; a refusal is not tried again", async () => {
    const { limits, middleware, used } = setUp({ timeoutMs: 0 });
    let calls = 0;
    const model = new MockLanguageModelV3({
      doGenerate: async () => {
        calls++;
        throw new Error("the model failed");
      },
    });
    const wrapped = wrapLanguageModel({ model, middleware });
    await expect(generateText({ model: wrapped, prompt: "hi" })).rejects.toThrow("the model failed");
    expect(used().at(-1)).toBe(0);
    expect(used()[2]).toBe(1024);
    limits.tryAcquire({ connections: 2, call_count: 0 });
    await expect(generateText({ model: wrapped, prompt: "hi" })).rejects.toMatchObject({
      code: "ERR_ACQUIRE_TIMEOUT",
    });
    expect(calls).toBe(1);
    limits.close();
  });

  test("pictures in a prompt count as data, and an unknown option is an error", async () => {
    const { limits, middleware, used } = setUp();
    const model = new MockLanguageModelV3({
      doGenerate: async () => ({
        ...{ content: [], finishReason, warnings: [] },
        usage: { inputTokens: { ...usage.inputTokens, total: undefined }, outputTokens: usage.outputTokens },
      }),
    });
    const data = new Uint8Array(3_000_000);
    await wrapLanguageModel({ model, middleware }).doGenerate({
      prompt: [{ role: "user", content: [{ type: "file", mediaType: "image/png", data }] }],
      maxOutputTokens: 10,
    });
    expect(used()[1]).toBeGreaterThanOrEqual(1600);
    expect(used()[1]).toBeLessThan(1700);
    expect(() => limitModel(limits, { maxTokens: 5 } as never)).toThrow(/maxTokens must be left out/);
    for (const wrong of [
      ...[{ timeoutMs: -1 }, { maxWaitMs: "x" }, { outputTokens: -1 }, { countTokens: 5 }],
      ...[{ metrics: 5 }, { metrics: { tokens: 5 } }, { priority: "x" }, { priority: Number.NaN }],
    ]) {
      const [name] = Object.keys(wrong);
      expect(() => limitModel(limits, wrong as never)).toThrow(InvalidRequestError);
      expect(() => limitModel(limits, wrong as never)).toThrow(`${name} must be`);
    }
    for (const wrong of [5, null, undefined, {}]) {
      expect(() => limitModel(wrong as never)).toThrow("the limits must be a set");
    }
    limits.close();
  });
});

test("version 7 of the SDK takes the same middleware, for models of its own", async () => {
  const { limits, middleware, used } = setUp();
  const model = new MockLanguageModelV4({
    doGenerate: async () => ({
      content: [{ type: "text", text: "hello" }],
      finishReason,
      usage,
      warnings: [],
    }),
    doStream: async () => ({
      stream: simulateReadableStream({
        chunks: [
          { type: "text-start", id: "1" } as const,
          { type: "text-delta", id: "1", delta: "hello" } as const,
          { type: "text-end", id: "1" } as const,
          { type: "finish", finishReason, usage } as const,
        ],
      }),
    }),
  });
  const wrapped = next.wrapLanguageModel({ model, middleware });
  expect((await next.generateText({ model: wrapped, prompt: "hi" })).text).toBe("hello");
  expect(used()).toEqual([1, 30, 12, 42, 0]);
  for await (const _ of next.streamText({ model: wrapped, prompt: "hi" }).textStream);
  expect(used()).toEqual([2, 60, 24, 84, 0]);
  const embedding = new MockEmbeddingModelV4({
    doEmbed: async () => ({ embeddings: [[0.5]], usage: { tokens: 9 }, warnings: [] }),
  });
  await next.embed({ model: next.wrapEmbeddingModel({ model: embedding, middleware }), value: "hello" });
  expect(used()).toEqual([3, 69, 24, 93, 0]);
  limits.close();
});
