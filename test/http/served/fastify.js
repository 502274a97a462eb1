// Fastify, with a guard in each of two contexts.
import Fastify from "fastify";
import { answerInNode, capacitiesOf, makeApp, tell } from "./app.js";
import { modules } from "./modules.js";

const app = makeApp(modules, capacitiesOf(process.argv[2]));
const fastify = Fastify();
// Bodies are read by the handler.
fastify.removeAllContentTypeParsers();
fastify.addContentTypeParser("*", (_, __, done) => done(null));

/** @param {import("fastify").FastifyRequest} request @param {import("fastify").FastifyReply} reply */
function handle(request, reply) {
  const path = request.url;
  if (path === "/calls" || path === "/held/quick") {
    if (path === "/calls") app.pass();
    return "hello";
  }
  // Fastify's own headers are those that the guard has set too.
  for (const [name, value] of Object.entries(reply.getHeaders())) if (value) reply.raw.setHeader(name, value);
  reply.hijack();
  answerInNode(app, request.raw, reply.raw, path);
  return reply;
}
fastify.get("/stats", () => app.stats());
fastify.register(async (context) => {
  context.register(app.calls.fastify());
  context.all("/calls", handle);
});
fastify.register(async (context) => {
  context.register(app.held.fastify());
  context.all("/held/*", handle);
});
await fastify.listen({ port: 0, host: "127.0.0.1" });
tell(/** @type {import("node:net").AddressInfo} */ (fastify.server.address()).port);
