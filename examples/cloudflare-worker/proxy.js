// What stands before the upstream: the same code in workerd and in Deno. See README.md.
import {
  AcquireTimeoutError,
  CallLimit,
  InvalidRequestError,
  LimitSet,
  RateLimit,
  ResourceLimit,
} from "limitset";

/**
 * What the upstream allows, per second: 20 calls, 4000 tokens, and 4 connections at a time. Bursts are kept to a quarter of it, so
 * that calls which meet on their way do not make more of a second than it holds. At module scope: one set for all requests.
 */
export const limits = new LimitSet({
  limits: [
    new CallLimit({ capacity: 20, windowMs: 1_000, algorithm: "gcra", burst: 5 }),
    new RateLimit({ key: "tokens", capacity: 4_000, windowMs: 1_000, algorithm: "gcra", burst: 1_000 }),
    new ResourceLimit({ key: "connections", capacity: 4 }),
  ],
  // An upstream that fails does not say what it has used: all that was asked for counts.
  missingUpdate: "charge",
});

/** How long a client is kept waiting, rather than told to come back. */
const PATIENCE_MS = 2_000;

/**
 * `POST /` with `{ prompt, max_tokens? }` is passed on to the upstream; `GET /limits` shows how the limits stand.
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
    if (request.signal.aborted) return new Response(null, { status: 499 }); // Nobody reads it.
    if (error instanceof InvalidRequestError || error instanceof SyntaxError) {
      return Response.json({ error: error.message }, { status: 400 });
    }
    return Response.json({ error: String(error) }, { status: 502 });
  }
}

/**
 * One call, its tokens and a connection, all at once. A client that goes away leaves the line.
 * @param {{ tokens: number }} requested
 * @param {AbortSignal} signal
 */
async function admit(requested, signal) {
  try {
    return await limits.acquire(requested, { timeoutMs: PATIENCE_MS, signal });
  } catch (error) {
    if (!(error instanceof AcquireTimeoutError)) throw error;
    // Passes after all, or says when it could.
    return limits.tryAcquire(requested);
  }
}

/**
 * Not given up when the client goes away: the upstream would notice later than others take the connection.
 * @param {string} upstream
 * @param {unknown} body
 * @param {import("limitset").Acquisition<"tokens" | "connections" | "call_count">} acquisition
 */
async function call(upstream, body, acquisition) {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(upstream, { method: "POST", headers, body: JSON.stringify(body) });
    // Read to its end: until then the connection is in use.
    const answer = await response.json();
    if (response.ok) acquisition.update({ tokens: answer.usage.tokens }); // The rest goes back.
    return Response.json(answer, { status: response.status });
  } finally {
    acquisition.release();
  }
}

/** @param {{ retryAfterMs: number, limitedBy: readonly string[] }} refusal */
function tooMany({ retryAfterMs, limitedBy }) {
  // When a connection comes back is not known: Infinity.
  const seconds = Number.isFinite(retryAfterMs) ? Math.ceil(retryAfterMs / 1_000) : 1;
  const headers = { "retry-after": String(Math.max(1, seconds)) };
  return Response.json({ error: "too many requests", limitedBy }, { status: 429, headers });
}
