import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { serviceMs } from "./api-limits.js";
import { Meter } from "./meter.js";
import { countTokens, textOf } from "./text.js";

/**
 * The body of `POST /v1/chat/completions`, as OpenAI's client sends it. `generates` is the length of the model's answer, which the client
 * must not use for anything else.
 * @typedef {object} Prompt
 * @property {string} model
 * @property {{ content: string }[]} messages
 * @property {number} max_tokens
 * @property {{ generates: string }} metadata
 */

/**
 * @typedef {object} Api
 * @property {string} url
 * @property {(limits: import("./api-limits.js").ApiLimits) => void} change other limits hold from now on
 * @property {() => number} peakConnections
 * @property {() => Promise<void>} close
 */

/**
 * A language-model API on a free local port, which speaks as OpenAI's does: `POST /v1/chat/completions` is metered, `POST /health` is not. Each answer tells the limits that
 * hold, in the header `x-limits`, and how often they have changed, in `x-limits-version`.
 * @param {import("./api-limits.js").ApiLimits} limits
 * @returns {Promise<Api>}
 */
export async function startApi(limits) {
  const meter = new Meter(limits);
  const present = { version: 0, limits };
  const server = createServer((request, response) => {
    const metered = request.url === "/v1/chat/completions";
    if (request.method !== "POST" || (!metered && request.url !== "/health")) {
      return send(response, 404, { error: { type: "not_found" } });
    }
    json(request)
      .then((body) =>
        metered ? answer(meter, present, response, /** @type {Prompt} */ (body)) : send(response, 200, {}),
      )
      .catch((error) => send(response, 400, { error: { type: "invalid_request", message: String(error) } }));
  });
  server.keepAliveTimeout = 0; // for ever: none is closed while an HTTP request is on its way
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(undefined));
  });
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    change: (limits) => {
      meter.change(limits);
      present.limits = limits;
      present.version++;
    },
    peakConnections: () => meter.peak,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/**
 * @param {Meter} meter
 * @param {{ version: number, limits: import("./api-limits.js").ApiLimits }} present
 * @param {import("node:http").ServerResponse} response
 * @param {Prompt} prompt
 */
function answer(meter, present, response, prompt) {
  const { model, messages, max_tokens, metadata } = prompt;
  const input = countTokens(messages.map(({ content }) => content).join("\n"));
  const output = Math.min(Number(metadata.generates), max_tokens);
  const refusal = meter.enter(input, max_tokens);
  if (refusal) {
    const { limit, retryAfterMs } = refusal;
    tell(present, response);
    response.setHeader("retry-after", Math.ceil(retryAfterMs / 1000));
    response.setHeader("retry-after-ms", Math.ceil(retryAfterMs));
    return send(response, 429, {
      error: { type: "rate_limit_exceeded", message: `too many ${limit}`, param: limit },
    });
  }
  let settled = false;
  /** @param {number} unused */
  const settle = (unused) => {
    if (!settled) meter.leave(unused);
    settled = true;
  };
  const timer = setTimeout(() => {
    // Before the last byte, since the reader of the answer may use the tokens that came back at once.
    settle(max_tokens - output);
    tell(present, response);
    send(response, 200, {
      ...{ id: "chatcmpl-demo", object: "chat.completion", created: Math.floor(Date.now() / 1000), model },
      choices: [{ index: 0, message: { role: "assistant", content: textOf(output) }, finish_reason: "stop" }],
      usage: { prompt_tokens: input, completion_tokens: output, total_tokens: input + output },
    });
  }, serviceMs(output));
  response.once("close", () => {
    clearTimeout(timer);
    settle(0);
  });
}

/**
 * @param {{ version: number, limits: import("./api-limits.js").ApiLimits }} present
 * @param {import("node:http").ServerResponse} response
 */
function tell({ version, limits }, response) {
  response.setHeader("x-limits-version", version);
  response.setHeader("x-limits", JSON.stringify(limits));
}

/**
 * @param {import("node:http").ServerResponse} response
 * @param {number} status
 * @param {object} body
 */
function send(response, status, body) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
