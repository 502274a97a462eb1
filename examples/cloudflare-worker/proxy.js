// A proxy in front of the upstream: the same code in workerd and in Deno. See README.md.
import {
  AcquireTimeoutError,
  CallLimit,
  InvalidRequestError,
  LimitSet,
  RateLimit,
  ResourceLimit,
} from "limitset";

/**
 * The limits of the upstream: 20 calls and 4000 tokens per second, and 4 connections at a time. Bursts last a quarter of a second at
 * most: calls that are delayed on the way may arrive together, and must not exceed the upstream's second. The set is at module scope,
 * so that all HTTP requests share it.
 */
export const limits = new LimitSet({
  limits: [
    new CallLimit({ capacity: 20, windowMs: 1_000, algorithm: "gcra", burst: 5 }),
    new RateLimit({ key: "tokens", capacity: 4_000, windowMs: 1_000, algorithm: "gcra", burst: 1_000 }),
    new ResourceLimit({ key: "connections", capacity: 4 }),
  ],
  // An upstream that fails does not report its usage: the whole request is charged.
  missingUpdate: "charge",
});

/** How long a client waits at most, before it is told to come back later. */
const PATIENCE_MS = 2_000;

/**
 * `POST /` with `{ prompt, max_tokens? }` is passed on to the upstream; `GET /limits` shows the state of the limits.
 * @param {Request} request
 * @param {string} upstream its URL
 * @returns {Promise<Response>}
 */
export async function proxy(request, upstream) {
  if (new URL(request.url).pathname === "/limits") return Response.json(limits.stats());
  try {
    const body = await request.json();
    const acquisition = await admit({ tokens: body.max_tokens ?? 200 }, request.signal);
    return acquisition.successful ? await call(upstream, body, acquisition) : tooMany(acquisition);
  } catch (error) {
    if (request.signal.aborted) return new Response(null, { status: 499 }); // The client has gone, so no one reads it.
    if (error instanceof InvalidRequestError || error instanceof SyntaxError) {
      return Response.json({ error: error.message }, { status: 400 });
    }
    return Response.json({ error: String(error) }, { status: 502 });
  }
}

/**
 * Takes one call, its tokens and a connection, all at once. A client that goes away leaves the line.
 * @param {{ tokens: number }} requested
 * @param {AbortSignal} signal
 */
async function admit(requested, signal) {
  try {
    return await limits.acquire(requested, { timeoutMs: PATIENCE_MS, signal });
  } catch (error) {
    if (!(error instanceof AcquireTimeoutError)) throw error;
    // It may be granted after all; if not, the refusal says when to come back.
    return limits.tryAcquire(requested);
  }
}

/**
 * Calls the upstream, to the end even if the client goes away: the upstream would notice an abort too late, when another call
 * already uses the connection.
 * @param {string} upstream
 * @param {unknown} body
 * @param {import("limitset").Acquisition<"tokens" | "connections" | "call_count">} acquisition
 */
async function call(upstream, body, acquisition) {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(upstream, { method: "POST", headers, body: JSON.stringify(body) });
    // Read to its end, since the connection is in use until then.
    const answer = await response.json();
    if (response.ok) acquisition.update({ tokens: answer.usage.tokens }); // The unused tokens go back.
    return Response.json(answer, { status: response.status });
  } finally {
    acquisition.release();
  }
}

/** @param {{ retryAfterMs: number, limitedBy: readonly string[] }} refusal */
function tooMany({ retryAfterMs, limitedBy }) {
  // Infinity: it is not known when a connection comes back.
  const seconds = Number.isFinite(retryAfterMs) ? Math.ceil(retryAfterMs / 1_000) : 1;
  const headers = { "retry-after": String(Math.max(1, seconds)) };
  return Response.json({ error: "too many requests", limitedBy }, { status: 429, headers });
}
