/** Real clients, each of which gets a `fetch` and calls a server once. */
import { Readable } from "node:stream";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { Octokit } from "@octokit/rest";
import { embed, generateText, streamText } from "ai";
import axios from "axios";
import got from "got";
import ky from "ky";
import OpenAI from "openai";
import { fetch as undiciFetch } from "undici";
import type { Provider } from "../../src/fetch/index.ts";
import { githubApi, rateLimitHeaders } from "../../src/fetch/index.ts";
import { anthropic, openai } from "../../src/llm/index.ts";

export interface Client {
  readonly name: string;
  readonly provider: Provider;
  /** The `fetch` beneath. Default: the platform's. */
  readonly beneath?: typeof fetch;
  /** Makes the function that calls once; it rejects where the client does. `retries` is the client's own option. */
  connect(url: string, fetch: typeof globalThis.fetch, retries?: number): (index: number) => Promise<unknown>;
}

const WINDOW = { windowMs: 1000 };
const PROMPT = "Call me Ishmael. ";
const chat = (index: number) => ({
  ...{ model: "m", max_tokens: 10 },
  messages: [{ role: "user" as const, content: PROMPT.repeat(1 + (index % 3)) }],
});

function calling(url: string, fetch: typeof globalThis.fetch): () => Promise<unknown> {
  return async () => {
    const response = await fetch(`${url}/things`);
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  };
}

export const CLIENTS: readonly Client[] = [
  {
    name: "openai",
    provider: openai(WINDOW),
    connect(url, fetch, maxRetries) {
      const client = new OpenAI({
        apiKey: "k",
        baseURL: `${url}/v1`,
        fetch,
        ...(maxRetries !== undefined && { maxRetries }),
      });
      return async (index) => {
        if (index % 3 === 0) return client.embeddings.create({ model: "m", input: PROMPT });
        if (index % 3 === 1)
          return client.responses.create({ model: "m", input: PROMPT, max_output_tokens: 10 });
        if (index % 2 === 0) return client.chat.completions.create(chat(index));
        const options = { stream: true as const, stream_options: { include_usage: true } };
        const stream = await client.chat.completions.create({ ...chat(index), ...options });
        let last: unknown;
        for await (const chunk of stream) last = chunk.usage;
        return last;
      };
    },
  },
  {
    name: "@anthropic-ai/sdk",
    provider: anthropic(WINDOW),
    connect(url, fetch, maxRetries) {
      const client = new Anthropic({
        apiKey: "k",
        baseURL: url,
        fetch,
        ...(maxRetries !== undefined && { maxRetries }),
      });
      return async (index) =>
        index % 2 === 0
          ? client.messages.create(chat(index))
          : client.messages.stream(chat(index)).finalMessage();
    },
  },
  {
    name: "ai with @ai-sdk/openai",
    provider: openai(WINDOW),
    connect(url, fetch, maxRetries) {
      const sdk = createOpenAI({ apiKey: "k", baseURL: `${url}/v1`, fetch });
      const options = {
        prompt: PROMPT,
        maxOutputTokens: 10,
        ...(maxRetries !== undefined && { maxRetries }),
      };
      return async (index) => {
        if (index % 3 === 0)
          return embed({
            model: sdk.embedding("m"),
            value: PROMPT,
            ...(maxRetries !== undefined && { maxRetries }),
          });
        if (index % 3 === 1) return generateText({ model: sdk.chat("m"), ...options });
        const { usage } = streamText({ model: sdk.chat("m"), ...options });
        return usage;
      };
    },
  },
  {
    name: "ai with @ai-sdk/anthropic",
    provider: anthropic(WINDOW),
    connect(url, fetch, maxRetries) {
      const sdk = createAnthropic({ apiKey: "k", baseURL: `${url}/v1`, fetch });
      const options = {
        prompt: PROMPT,
        maxOutputTokens: 10,
        ...(maxRetries !== undefined && { maxRetries }),
      };
      return async () => generateText({ model: sdk("m"), ...options });
    },
  },
  {
    name: "@octokit/rest",
    provider: githubApi(),
    connect(url, fetch) {
      const octokit = new Octokit({ baseUrl: url, request: { fetch } });
      return () => octokit.rest.repos.get({ owner: "o", repo: "r" });
    },
  },
  {
    name: "got",
    provider: rateLimitHeaders(),
    connect(url, fetch, limit = 0) {
      const client = got.extend({
        retry: { limit },
        hooks: {
          beforeRequest: [
            // An answer that a hook returns stands in place of the request.
            async (options) => {
              const { method } = options;
              const response = await fetch(options.url as URL, { method });
              const body = Readable.fromWeb(response.body as never);
              const { status, headers } = response;
              return Object.assign(body, {
                statusCode: status,
                headers: Object.fromEntries(headers),
              }) as never;
            },
          ],
        },
      });
      return () => client(`${url}/things`).json();
    },
  },
  {
    name: "ky",
    provider: rateLimitHeaders(),
    connect(url, fetch, limit = 0) {
      const client = ky.create({ fetch, retry: { limit } });
      return () => client.post(`${url}/things`, { json: { max_tokens: 4 } }).json();
    },
  },
  {
    name: "axios, with its fetch adapter",
    provider: rateLimitHeaders(),
    connect(url, fetch) {
      const client = axios.create({
        baseURL: url,
        adapter: "fetch",
        env: { fetch, Request, Response: Response as never },
      });
      return () => client.post("/things", { max_tokens: 4 });
    },
  },
  {
    name: "fetch of undici",
    provider: rateLimitHeaders(),
    beneath: undiciFetch as unknown as typeof fetch,
    connect: calling,
  },
  {
    name: "bare fetch",
    provider: rateLimitHeaders(),
    connect: calling,
  },
];
