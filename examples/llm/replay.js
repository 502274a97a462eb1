import { setTimeout as sleep } from "node:timers/promises";
import { limitFetch } from "limitset/fetch";
import { openai } from "limitset/llm";
import OpenAI, { APIError } from "openai";
import { maxTokens } from "./api-limits.js";
import { Listener } from "./listener.js";
import { epochMs } from "./tally.js";
import { countTokens, textOf } from "./text.js";

/** The header by which a request tells the code that sends it when it was due. */
const DUE_AT = "x-due-at";

/** @typedef {import("./traffic.js").Request} Request */
/** @typedef {import("./tally.js").Tally} Tally */
/** @typedef {"call_count" | "input_tokens" | "output_tokens" | "connections"} Key */

/**
 * The input of a client. All of it can be made on any thread and in any process that has the limits.
 * @typedef {object} Replay
 * @property {string} url of the API
 * @property {readonly Request[]} requests in order of arrival
 * @property {number} startAt the time of `at: 0`, in milliseconds since the Unix epoch
 * @property {import("limitset").Limits<Key> | undefined} limits undefined to send without limits
 * @property {Tally} tally counted into while the replay runs
 */

/**
 * Sends each request when it arrives, or as soon after that as the limits allow. Resolves when all are answered.
 * @param {Replay} replay
 */
export async function replay({ url, requests, startAt, limits, tally }) {
  const sending = counted(new Listener(limits), tally);
  const client = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: "none",
    fetch: limits ? limitFetch(limits, { provider: openai({ countTokens }), fetch: sending }) : sending,
    maxRetries: 0,
  });
  await Promise.all(
    requests.map(async (request) => {
      const dueAt = startAt + request.at;
      await sleep(Math.max(0, dueAt - epochMs()));
      tally.due++;
      if (limits) tally.reservedTokens += maxTokens(request);
      await ask(client, request, dueAt, tally);
    }),
  );
}

/**
 * Opens connections and lets the code of a request be compiled, so that the first requests are not late.
 * @param {string} url
 * @param {number} connections
 */
export async function warmUp(url, connections) {
  const once = async () => {
    try {
      await (await fetch(`${url}/health`, { method: "POST", body: "{}" })).arrayBuffer();
    } catch (error) {
      // "fetch failed" says less than what it was caused by.
      throw error instanceof Error && error.cause ? error.cause : error;
    }
  };
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: connections }, once));
}

/**
 * @param {OpenAI} client
 * @param {Request} request
 * @param {number} dueAt
 * @param {Tally} tally
 */
async function ask(client, request, dueAt, tally) {
  try {
    const { usage } = await client.chat.completions.create(
      {
        model: "demo",
        messages: [{ role: "user", content: textOf(request.inputTokens) }],
        max_tokens: maxTokens(request),
        metadata: { generates: String(request.outputTokens) },
      },
      { headers: { [DUE_AT]: String(dueAt) } },
    );
    tally.answered++;
    tally.inputTokens += usage?.prompt_tokens ?? 0;
    tally.outputTokens += usage?.completion_tokens ?? 0;
  } catch (error) {
    if (!(error instanceof APIError) || error.status === undefined) throw error;
    if (error.status !== 429) throw new Error(`the API answered ${error.status}: ${error.message}`);
    const limit = error.param ?? "a limit";
    tally.refused[limit] = (tally.refused[limit] ?? 0) + 1;
  }
}

/**
 * A `fetch` that counts what is sent, and hears which limits hold.
 * @param {Listener} listener
 * @param {Tally} tally
 * @returns {typeof fetch}
 */
function counted(listener, tally) {
  return async (input, init) => {
    tally.lastSentAt = epochMs();
    const dueAt = Number(new Headers(init?.headers).get(DUE_AT));
    tally.waits.push(Math.max(0, tally.lastSentAt - dueAt));
    tally.sent++;
    const known = listener.version;
    const response = await fetch(input, init);
    await listener.hear(response.headers);
    if (response.status === 429 && Number(response.headers.get("x-limits-version")) > known) tally.onTheWay++;
    return response;
  };
}
