// Node's own server, with upgrades.
import { createServer } from "node:http";
import { answerInNode, capacitiesOf, makeApp, tell } from "./app.js";
import { modules } from "./modules.js";

const app = makeApp(modules, capacitiesOf(process.argv[2]));

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
function listener(request, response) {
  answerInNode(app, request, response, new URL(request.url ?? "/", "http://server").pathname);
}
const calls = app.calls.node(listener);
const held = app.held.node(listener);

const server = createServer((request, response) => {
  if (request.url === "/stats") response.end(JSON.stringify(app.stats()));
  else if (request.url?.startsWith("/held")) held(request, response);
  else calls(request, response);
});
server.on(
  "upgrade",
  app.held.upgrade((_, socket) => {
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n");
    socket.on("data", (chunk) => socket.write(chunk));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
  }),
);
server.listen(0, "127.0.0.1", () =>
  tell(/** @type {import("node:net").AddressInfo} */ (server.address()).port),
);
