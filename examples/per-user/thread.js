// One thread of the server. It takes from the limits of all threads, in shared memory.
import { once } from "node:events";
import { createServer } from "node:http";
import { parentPort } from "node:worker_threads";
import { guard } from "limitset/http";
import { attachLimits } from "limitset/threads";

const main = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
const [handle] = await once(main, "message");
const limits = attachLimits(/** @type {import("limitset/threads").LimitSetHandle<string>} */ (handle));

const protect = guard(limits, {
  // The proxy in front writes the address of the client. That is the right one of X-Forwarded-For, whatever the client has sent itself.
  proxies: 1,
  // It has checked who the user is, too.
  by: ({ request, address }) => ({ ip: address, user: request.headers.get("x-user") }),
});
const server = createServer(protect.node((_, response) => response.end("hello")));
server.listen(0, "127.0.0.1");
await once(server, "listening");
main.postMessage(/** @type {import("node:net").AddressInfo} */ (server.address()).port);
