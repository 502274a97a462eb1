// The server of the section: a thread of its own, so that its work is not measured.
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";

const PIECE = Buffer.alloc(64 * 1024, `data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n`);
/** 50 MB. */
const PIECES = 800;
const ANSWER = JSON.stringify({
  choices: [{ index: 0, message: { role: "assistant", content: "hello" } }],
  usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 },
});

const server = createServer((request, response) => {
  request.resume();
  if (request.url !== "/stream") {
    response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  let left = PIECES;
  const send = () => {
    while (left > 0) {
      left--;
      if (!response.write(PIECE)) return response.once("drain", send);
    }
    return response.end();
  };
  send();
});
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => {
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  parentPort?.postMessage(`http://127.0.0.1:${address.port}`);
});
