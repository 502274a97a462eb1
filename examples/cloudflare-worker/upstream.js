// An upstream to try the proxy with: it enforces its limits, and answers 429 beyond them. See README.md.
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { TokenBucket } from "../llm/token-bucket.js";

const CONNECTIONS = 4;

/**
 * @typedef {object} Upstream
 * @property {string} url
 * @property {{ at: number, tokens: number }[]} arrivals of calls, by `performance.now()`, and the tokens that they used
 * @property {number} refused how many of them were answered with 429
 * @property {number} inProgress
 * @property {number} peak the most that were in progress at one time
 * @property {() => void} close
 */

/**
 * Answers `{ prompt, max_tokens }` with `{ text, usage: { tokens } }`, where a letter is a token.
 * @param {{ port?: number, work?: () => Promise<unknown> }} [options] `work` is done before each answer
 * @returns {Promise<Upstream>}
 */
export async function startUpstream({ port = 0, work = () => sleep(50) } = {}) {
  const calls = new TokenBucket({ capacity: 20, windowMs: 1_000 });
  const spendable = new TokenBucket({ capacity: 4_000, windowMs: 1_000 });
  const server = createServer(async (request, response) => {
    const body = /** @type {{ prompt?: string, max_tokens?: number }} */ (await json(request));
    if (typeof body.prompt !== "string") return response.writeHead(400).end("{}");
    const text = body.prompt.slice(0, body.max_tokens ?? 200).toUpperCase();
    const tokens = text.length;
    upstream.arrivals.push({ at: performance.now(), tokens });
    const waitMs = Math.max(calls.waitMs(1), spendable.waitMs(tokens));
    if (waitMs > 0 || upstream.inProgress >= CONNECTIONS) {
      upstream.refused++;
      const seconds = Math.max(1, Math.ceil(waitMs / 1_000));
      return response
        .writeHead(429, { "retry-after": String(seconds) })
        .end(JSON.stringify({ error: "429" }));
    }
    calls.take(1);
    spendable.take(tokens);
    upstream.inProgress++;
    upstream.peak = Math.max(upstream.peak, upstream.inProgress);
    await work();
    // Before the last byte, since the reader of the answer may use the connection at once.
    upstream.inProgress--;
    return response
      .writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ text, usage: { tokens } }));
  });
  server.keepAliveTimeout = 0; // For ever: none is closed while an HTTP request is on its way.
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  /** @type {Upstream} */
  const upstream = {
    url: `http://127.0.0.1:${address.port}`,
    arrivals: [],
    refused: 0,
    inProgress: 0,
    peak: 0,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return upstream;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const upstream = await startUpstream({ port: 8090 });
  console.log(`upstream at ${upstream.url}`);
  process.once("SIGINT", () => {
    console.log(
      `${upstream.arrivals.length} calls, ${upstream.refused} refused, at most ${upstream.peak} at a time`,
    );
    upstream.close();
  });
}
