import { Agent, request } from "node:http";
import { json } from "node:stream/consumers";

/** Reuses connections, and opens as many as are used at a time: the limits decide how many that is. */
const agent = new Agent({ keepAlive: true });

/**
 * Sends JSON and reads the JSON of the answer. `fetch` would do too, but takes three times the processor time, which the
 * API on the same machine then lacks.
 * @param {string} url
 * @param {object} body
 * @returns {Promise<{ status: number, headers: import("node:http").IncomingHttpHeaders, body: any }>}
 */
export function post(url, body) {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    request(url, { method: "POST", agent, headers })
      .on("response", (response) => {
        const { statusCode = 0, headers } = response;
        json(response).then((answer) => resolve({ status: statusCode, headers, body: answer }), reject);
      })
      .on("error", reject)
      .end(text);
  });
}
