import { fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import rateLimitOfFastify from "@fastify/rate-limit";
import { serve } from "@hono/node-server";
import express from "express";
import { rateLimit } from "express-rate-limit";
import Fastify from "fastify";
import { Hono } from "hono";
import { rateLimiter } from "hono-rate-limiter";
import { CallLimit, LimitSet } from "limitset";
import { guard } from "limitset/http";
import { RateLimiterMemory } from "rate-limiter-flexible";
import { HOUR_MS, PLENTY } from "../sets.js";

/** @returns {Promise<import("../measure.js").Section>} */
export async function https() {
  const client = fork(fileURLToPath(new URL("./http-client.js", import.meta.url)));
  client.unref();
  client.channel?.unref();
  const against = (/** @type {string} */ floor) => ({ "x no limiter": floor });
  const of = async (
    /** @type {string} */ name,
    /** @type {string | undefined} */ floor,
    /** @type {Promise<number>} */ listening,
  ) => {
    const port = await listening;
    return {
      name,
      ...(floor !== undefined && { against: against(floor) }),
      // Fewer would measure the wake-ups of two threads.
      step: 4000,
      async run(/** @type {number} */ n) {
        client.send({ port, n });
        return (await once(client, "message"))[0];
      },
    };
  };
  const [node, inExpress, inFastify, inHono] = [
    "floor: Node http",
    "floor: Express",
    "floor: Fastify",
    "floor: Hono on Node",
  ];
  return {
    title: "An HTTP request on loopback, per address",
    work: "answer `hello` over kept connections, ten requests ahead on each of eight. No request is refused. Each limiter counts by address, and writes its headers",
    columns: ["x no limiter"],
    cases: [
      await of(
        node,
        undefined,
        nodeServer((next) => next),
      ),
      await of(
        "limitset, guard, Node http",
        node,
        nodeServer((next) => ours().node(next)),
      ),
      await of("rate-limiter-flexible, Node http", node, nodeServer(flexible)),
      await of(inExpress, undefined, expressServer()),
      await of("limitset, guard, Express", inExpress, expressServer(ours().express())),
      await of(
        "express-rate-limit, Express",
        inExpress,
        expressServer(
          rateLimit({
            windowMs: HOUR_MS / 2,
            limit: PLENTY,
            standardHeaders: "draft-7",
            legacyHeaders: false,
          }),
        ),
      ),
      await of(inFastify, undefined, fastifyServer(undefined)),
      await of(
        "limitset, guard, Fastify",
        inFastify,
        fastifyServer((fastify) => fastify.register(ours().fastify())),
      ),
      await of(
        "@fastify/rate-limit, Fastify",
        inFastify,
        fastifyServer((fastify) =>
          fastify.register(rateLimitOfFastify, { max: PLENTY, timeWindow: HOUR_MS }),
        ),
      ),
      await of(inHono, undefined, honoServer()),
      await of("limitset, guard, Hono on Node", inHono, honoServer(ours().hono())),
      await of(
        "hono-rate-limiter, Hono on Node",
        inHono,
        honoServer(
          rateLimiter({
            windowMs: HOUR_MS / 2,
            limit: PLENTY,
            keyGenerator: (context) => context.env.incoming.socket.remoteAddress ?? "",
          }),
        ),
      ),
    ],
  };
}

function ours() {
  return guard(
    new LimitSet({
      limits: [new CallLimit({ key: "per_ip", capacity: PLENTY, windowMs: HOUR_MS, per: "ip" })],
    }),
  );
}

/** @typedef {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void} Listener */

/** Its own middleware, as its page writes it. @param {Listener} next @returns {Listener} */
function flexible(next) {
  const limiter = new RateLimiterMemory({ points: PLENTY, duration: HOUR_MS / 1000 });
  return (request, response) => {
    limiter
      .consume(request.socket.remoteAddress ?? "")
      .then((state) => {
        response.setHeader("X-RateLimit-Limit", PLENTY);
        response.setHeader("X-RateLimit-Remaining", state.remainingPoints);
        response.setHeader("X-RateLimit-Reset", Math.ceil((Date.now() + state.msBeforeNext) / 1000));
        next(request, response);
      })
      .catch(() => {
        response.statusCode = 429;
        response.end();
      });
  };
}

/** @param {(next: Listener) => Listener} limiting */
async function nodeServer(limiting) {
  const server = createServer(limiting((_, response) => response.end("hello")));
  return listening(server.listen(0, "127.0.0.1"));
}

/** @param {express.RequestHandler[]} limiters */
async function expressServer(...limiters) {
  const app = express();
  for (const limiter of limiters) app.use(limiter);
  app.get("/", (_, response) => {
    response.end("hello");
  });
  return listening(app.listen(0, "127.0.0.1"));
}

/** @param {((fastify: import("fastify").FastifyInstance) => unknown) | undefined} limit */
async function fastifyServer(limit) {
  const fastify = Fastify();
  await limit?.(fastify);
  fastify.get("/", (_, reply) => reply.send("hello"));
  await fastify.listen({ port: 0, host: "127.0.0.1" });
  return listening(fastify.server);
}

/** @param {import("hono").MiddlewareHandler[]} limiters */
async function honoServer(...limiters) {
  const app = new Hono();
  for (const limiter of limiters) app.use(limiter);
  app.get("/", (context) => context.text("hello"));
  return listening(
    /** @type {import("node:http").Server} */ (serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" })),
  );
}

/** @param {import("node:http").Server} server @returns {Promise<number>} its port */
async function listening(server) {
  server.keepAliveTimeout = 0;
  if (!server.listening) await once(server, "listening");
  return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
}
