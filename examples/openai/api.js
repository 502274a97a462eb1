// A stand-in for OpenAI's API on this machine. It allows 70 calls in a window, and answers 429 beyond them. See README.md.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { TokenBucket } from "../llm/token-bucket.js";

const CALLS = 70;

/**
 * @param {{ windowMs: number }} options
 * @returns {Promise<{ baseURL: string, seen: { calls: number, refused: number }, close: () => void }>}
 */
export async function startApi({ windowMs }) {
  const calls = new TokenBucket({ capacity: CALLS, windowMs });
  const seen = { calls: 0, refused: 0 };
  const server = createServer(async (request, response) => {
    seen.calls++;
    /** @type {any} */
    const { max_tokens, messages } = await json(request);
    const headers = {
      "content-type": "application/json",
      "x-ratelimit-limit-requests": CALLS,
      "x-ratelimit-remaining-requests": Math.max(0, Math.floor(calls.level) - 1),
    };
    if (calls.level < 1) {
      seen.refused++;
      response.writeHead(429, { ...headers, "retry-after-ms": Math.ceil(windowMs / CALLS) });
      response.end(JSON.stringify({ error: { message: "too many requests", code: "rate_limit_exceeded" } }));
      return;
    }
    calls.take(1);
    const usage = {
      prompt_tokens: 5 + messages.length * 10,
      completion_tokens: max_tokens / 4,
      total_tokens: 0,
    };
    usage.total_tokens = usage.prompt_tokens + usage.completion_tokens;
    const choices = [{ index: 0, message: { role: "assistant", content: "word" }, finish_reason: "stop" }];
    const answer = { id: "1", object: "chat.completion", created: 1, model: "m", choices, usage };
    setTimeout(() => response.writeHead(200, headers).end(JSON.stringify(answer)), 20);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    seen,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
