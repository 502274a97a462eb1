/** Guards in servers of Node, in this process: answers of others, connections that break, several guards. */
import { once } from "node:events";
import {
  request as ask,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from "node:http";
import { type AddressInfo, connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { serve as serveHono } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { parseList } from "structured-headers";
import { describe, expect, onTestFinished, test } from "vitest";
import { type Guard, type GuardOptions, guard } from "../../src/http/index.ts";
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { open, Reader, textOf } from "./load.ts";

async function listening(server: Server): Promise<number> {
  if (!server.listening) await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}
const portOf = (listener: RequestListener) => listening(createServer(listener));

interface Heard {
  readonly status: number | undefined;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

async function get(port: number, path = "/", options: { method?: string } = {}): Promise<Heard> {
  const request = ask({ port, host: "127.0.0.1", path, agent: false, ...options });
  request.end();
  const [answer] = (await once(request, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of answer) body += chunk;
  return { status: answer.statusCode, headers: answer.headers, body };
}

const slots = (capacity = 1) => new LimitSet({ limits: [new ResourceLimit({ key: "slots", capacity })] });
const one = () => new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000 })] });
/** A guard that decides only when it is told to. */
function slow(limits: LimitSet<never, never>, options: GuardOptions<never, never> = {}) {
  let decide!: () => void;
  const decided = new Promise<void>((resolve) => {
    decide = resolve;
  });
  const warnings: string[] = [];
  const by = () => decided.then(() => ({}));
  const protect = guard(limits, { by, onWarning: ({ message }) => warnings.push(message), ...options });
  return { protect, decide, warnings };
}

describe("an answer that was sent while the decision was awaited", () => {
  /** A server that answers by 503 before the guard has decided. */
  const KINDS: Record<string, (protect: Guard, handled: () => void) => Promise<number>> = {
    "Node http": (protect, handled) => {
      const guarded = protect.node(handled);
      return portOf((request, response) => {
        guarded(request, response);
        response.writeHead(503).end("too late");
      });
    },
    async Express(protect, handled) {
      const app = express();
      app.use((_, response, next) => {
        next();
        response.status(503).end("too late");
      });
      app.use(protect.express());
      app.use(handled);
      return portOf(app);
    },
    async Fastify(protect, handled) {
      const fastify = Fastify();
      fastify.addHook("onRequest", (_, reply, next) => {
        next();
        reply.raw.writeHead(503).end("too late");
      });
      fastify.register(protect.fastify());
      fastify.get("/", handled);
      await fastify.listen({ port: 0, host: "127.0.0.1" });
      return listening(fastify.server);
    },
  };

  test.each(Object.keys(KINDS))(
    "%s: the answer stands, nothing is held, and no error is thrown",
    async (kind) => {
      const limits = slots();
      const { protect, decide, warnings } = slow(limits as never);
      const port = await KINDS[kind]!(protect, () => {});
      const { status, body } = await get(port);
      decide();
      await sleep(20);
      expect([status, body, limits.stats()["slots"]!.used, warnings]).toEqual([503, "too late", 0, []]);
    },
  );

  test("of a refusal nothing is sent", async () => {
    const limits = one();
    limits.tryAcquire();
    const { protect, decide, warnings } = slow(limits as never);
    const port = await KINDS["Node http"]!(protect, () => {});
    const { status, body } = await get(port);
    decide();
    await sleep(20);
    expect([status, body, warnings]).toEqual([503, "too late", []]);
  });
});

describe("upgrades", () => {
  const UPGRADE = textOf({ path: "/", headers: { connection: "Upgrade", upgrade: "echo" } });

  test("a connection that breaks while the decision is awaited ends no process, and holds nothing", async () => {
    const limits = slots();
    const { protect, decide } = slow(limits as never);
    const server = createServer();
    let handled = 0;
    server.on(
      "upgrade",
      protect.upgrade(() => {
        handled++;
      }),
    );
    const client = connect(await listening(server), "127.0.0.1");
    client.write(UPGRADE);
    const [socket] = await once(server, "connection");
    await once(server, "upgrade");
    client.resetAndDestroy();
    await new Promise((resolve) => socket.once("close", resolve));
    decide();
    await sleep(20);
    expect([handled, limits.stats()["slots"]!.used]).toEqual([0, 0]);
  });

  test("a header of two lines is an error, and not sent", async () => {
    const limits = one();
    limits.tryAcquire();
    const warnings: string[] = [];
    const protect = guard(limits, {
      whenRefused: () => ({ headers: { "x-a": "1\r\nset-cookie: b=1" } }),
      onWarning: ({ message }) => warnings.push(message),
    });
    const server = createServer();
    server.on(
      "upgrade",
      protect.upgrade(() => {}),
    );
    const socket = await open(await listening(server));
    socket.write(UPGRADE);
    const { status, head } = await new Reader(socket).next();
    expect([status, /set-cookie/i.test(head), warnings.length]).toEqual([500, false, 1]);
    socket.destroy();
  });
});

describe("the path", () => {
  test.each([
    ["/login?a=/b", "/login"],
    ["/login#a", "/login"],
    ["http://example.com/login", "/login"],
    ["HTTPS://example.com:8080/login?a#b", "/login"],
    ["http://example.com", "/"],
    ["http://example.com?a=/b", "/"],
    ["//login", "//login"],
    ["*", "*"],
  ])("%s is %s, as routers see it", async (target, path) => {
    const seen: string[] = [];
    const protect = guard(one(), {
      skip: ({ request }) => {
        seen.push(request.path);
        return false;
      },
    });
    const socket = await open(await portOf(protect.node((_, response) => response.end())));
    socket.write(textOf({ path: target }));
    await new Reader(socket).next();
    socket.destroy();
    expect(seen).toEqual([path]);
  });
});

describe("several guards before one answer", () => {
  const all = () =>
    guard(new LimitSet({ limits: [new CallLimit({ key: "all", capacity: 9, windowMs: 60_000 })] }));
  const login = () =>
    guard(new LimitSet({ limits: [new CallLimit({ key: "login", capacity: 1, windowMs: 60_000 })] }));
  const serveWeb = (handler: (request: Request) => Promise<Response>) => async () => {
    const { status, headers } = await handler(new Request("http://example.com/login"));
    return { status, headers: Object.fromEntries(headers) };
  };

  const KINDS: Record<string, () => Promise<() => Promise<Pick<Heard, "status" | "headers">>>> = {
    async Express() {
      const app = express();
      app.use(all().express());
      app.get("/login", login().express(), (_, response) => void response.end());
      const port = await portOf(app);
      return () => get(port, "/login");
    },
    async Fastify() {
      const fastify = Fastify();
      fastify.register(all().fastify());
      fastify.register(async (context) => {
        context.register(login().fastify());
        context.get("/login", () => "");
      });
      await fastify.listen({ port: 0, host: "127.0.0.1" });
      const port = await listening(fastify.server);
      return () => get(port, "/login");
    },
    async "Hono on Node"() {
      const hono = new Hono().use(all().hono());
      hono.use("/login", login().hono()).get("/login", (context) => context.text(""));
      const port = await listening(
        serveHono({ fetch: hono.fetch, port: 0, hostname: "127.0.0.1" }) as Server,
      );
      return () => get(port, "/login");
    },
    async Hono() {
      const hono = new Hono().use(all().hono());
      hono.use("/login", login().hono()).get("/login", (context) => context.text(""));
      return serveWeb(async (request) => hono.fetch(request));
    },
    async "a handler"() {
      return serveWeb(all().handler(login().handler(() => new Response(""))));
    },
  };

  test.each(Object.keys(KINDS))("%s: the headers tell of all of them", async (kind) => {
    const send = await KINDS[kind]!();
    for (const [status, left, leftOfAll] of [
      [200, 0, 8],
      [429, 0, 7],
    ]) {
      const answer = await send();
      expect(answer.status).toBe(status);
      const items = parseList(`${answer.headers["ratelimit"]}`).map(([key, parameters]) => [
        key,
        parameters.get("r"),
      ]);
      expect(items).toEqual([
        ["all", leftOfAll],
        ["login", left],
      ]);
      expect(answer.headers["ratelimit-policy"]).toBe('"all";q=9;w=60, "login";q=1;w=60');
    }
  });
});

describe("the address that the framework was told to find", () => {
  const perIp = () => {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000, per: "ip" })] });
    const warnings: string[] = [];
    return { limits, warnings, protect: guard(limits, { onWarning: ({ code }) => warnings.push(code) }) };
  };
  const KINDS: Record<string, (protect: Guard, trusts: boolean) => Promise<number>> = {
    async Express(protect, trusts) {
      const app = express();
      if (trusts) app.set("trust proxy", 1);
      const router = express.Router();
      router.use(protect.express(), (_, response) => void response.end());
      return portOf(app.use("/", router));
    },
    async Fastify(protect, trusts) {
      const fastify = Fastify({ trustProxy: trusts && "loopback" });
      fastify.register(protect.fastify());
      fastify.get("/", () => "");
      await fastify.listen({ port: 0, host: "127.0.0.1" });
      return listening(fastify.server);
    },
  };

  test.each(Object.keys(KINDS))("%s counts by it; else by the connection, with a warning", async (kind) => {
    for (const [trusts, second, codes] of [
      [true, 200, []],
      [false, 429, ["WARN_PROXIES"]],
    ] as const) {
      const { protect, warnings } = perIp();
      const socket = await open(await KINDS[kind]!(protect, trusts));
      const reader = new Reader(socket);
      const send = async (from: string) => {
        socket.write(textOf({ path: "/", headers: { "X-Forwarded-For": `203.0.113.9, ${from}` } }));
        return (await reader.next()).status;
      };
      expect([await send("192.0.2.1"), await send("192.0.2.2"), await send("192.0.2.1")]).toEqual([
        ...[200, second, 429],
      ]);
      expect(warnings).toEqual(codes);
      socket.destroy();
    }
  });
});

test("a connection that its client has broken off, and is not closed yet, is no error; one without addresses is", async () => {
  const limits = new LimitSet({ limits: [new CallLimit({ capacity: 9, windowMs: 60_000, per: "ip" })] });
  const warnings: string[] = [];
  const serve = guard(limits, { onWarning: ({ code }) => warnings.push(code) }).node(() => {});
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries({ remoteAddress: undefined, ...local.shift() }))
      Object.defineProperty(request.socket, name, { value, configurable: true });
    serve(request, response);
    response.end();
  });
  // That of a broken connection is known still; a socket of Unix has none.
  const local = [{ localAddress: "127.0.0.1" }, { localAddress: undefined }];
  const port = await listening(server);
  await get(port);
  expect(warnings).toEqual([]);
  await get(port);
  expect(warnings).toEqual(["ERR_NO_ADDRESS"]);
});

test("bytes of an answer to HEAD are none", async () => {
  const limits = new LimitSet({ limits: [new RateLimit({ key: "bytes", capacity: 100, windowMs: 1e9 })] });
  const protect = guard(limits, { cost: () => ({ bytes: 0 }), usage: ({ bytes }) => ({ bytes }) });
  const port = await portOf(protect.node((_, response) => response.end("hello")));
  await get(port, "/", { method: "HEAD" });
  await sleep(10);
  expect(limits.stats()["bytes"]!.used).toBe(0);
  await get(port);
  await expect.poll(() => limits.stats()["bytes"]!.used).toBe(5);
});
