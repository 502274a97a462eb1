import { setTimeout as sleep } from "node:timers/promises";
import { maxTokens } from "./api-limits.js";
import { Listener } from "./listener.js";
import { post } from "./post.js";
import { epochMs } from "./tally.js";

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
  const listener = new Listener(limits);
  await Promise.all(
    requests.map(async (request) => {
      const dueAt = startAt + request.at;
      await sleep(Math.max(0, dueAt - epochMs()));
      tally.due++;
      const call = () => send(url, request, dueAt, listener, tally);
      if (!limits) return call();
      const reserved = maxTokens(request);
      tally.reservedTokens += reserved;
      return limits.run({ input_tokens: request.inputTokens, output_tokens: reserved }, async (acquisition) =>
        acquisition.update(await call()),
      );
    }),
  );
}

/**
 * Opens connections and lets the code of a request be compiled, so that the first requests are not late.
 * @param {string} url
 * @param {number} connections
 */
export async function warmUp(url, connections) {
  const once = () => post(`${url}/health`, {});
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: connections }, once));
}

/**
 * @param {string} url
 * @param {Request} request
 * @param {number} dueAt
 * @param {Listener} listener
 * @param {Tally} tally
 * @returns {Promise<{ input_tokens: number, output_tokens: number }>} the usage
 */
async function send(url, request, dueAt, listener, tally) {
  tally.lastSentAt = epochMs();
  tally.waits.push(Math.max(0, tally.lastSentAt - dueAt));
  tally.sent++;
  const known = listener.version;
  const { status, headers, body } = await post(`${url}/v1/messages`, {
    input_tokens: request.inputTokens,
    max_tokens: maxTokens(request),
    generates: request.outputTokens,
  });
  await listener.hear(headers);
  if (status === 429) {
    const limit = body.error.limit;
    tally.refused[limit] = (tally.refused[limit] ?? 0) + 1;
    if (Number(headers["x-limits-version"]) > known) tally.onTheWay++;
    return { input_tokens: 0, output_tokens: 0 };
  }
  if (status !== 200) throw new Error(`the API answered ${status}: ${JSON.stringify(body)}`);
  tally.answered++;
  tally.inputTokens += body.usage.input_tokens;
  tally.outputTokens += body.usage.output_tokens;
  return body.usage;
}
