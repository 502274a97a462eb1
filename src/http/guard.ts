/** `guard`: limits before a service, whatever framework serves it. */
import type { Limits } from "../contract.ts";
import { InvalidRequestError, show } from "../errors.ts";
import type { AnyLimits } from "../exchange/set.ts";
import { warnOnce } from "../platform/warning.ts";
import { Door } from "./door.ts";
import { type FastifyPluginLike, guardPlugin } from "./fastify.ts";
import { type GetConnInfo, guardHono, type HonoMiddleware } from "./hono.ts";
import type { NodeRequest, NodeResponse, UpgradeSocket } from "./native.ts";
import { guardListener, guardMiddleware, type NodeMiddleware } from "./node.ts";
import { type CompleteOptions, checkGuardOptions, type GuardOptions } from "./options.ts";
import { guardUpgrade } from "./upgrade.ts";
import { guardHandler, type Handle } from "./web.ts";

/**
 * A guard, as `guard` makes it: the same limits for every framework, and for several at once.
 *
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000 })] });
 * const protect: Guard = guard(limits);
 * const serve = protect.handler(() => new Response("hello"));
 * (await serve(new Request("https://example.com/"))).status; // 200
 * (await serve(new Request("https://example.com/"))).status; // 429
 */
export interface Guard {
  /**
   * Guards a handler that answers a `Request` by a `Response`: of Deno, Bun, Workers, edge functions. What the server hands over besides is
   * handed on.
   */
  handler<Req extends Request, Rest extends readonly unknown[]>(
    handle: Handle<Req, Rest>,
  ): (request: Req, ...rest: Rest) => Promise<Response>;
  /** Guards a listener of Node's `http`, `https` and `http2` servers: `createServer(protect.node(listener))`. */
  node<Req extends NodeRequest, Res extends NodeResponse>(
    listener: (request: Req, response: Res) => unknown,
  ): (request: Req, response: Res) => void;
  /** Guards a listener of the event `upgrade` of Node's server. What is held is held until the connection closes. */
  upgrade<Req extends NodeRequest, Socket extends UpgradeSocket, Head>(
    listener: (request: Req, socket: Socket, head: Head) => unknown,
  ): (request: Req, socket: Socket, head: Head) => void;
  /** A middleware of Express, Connect and the like: `app.use(protect.express())`. */
  express(): NodeMiddleware;
  /** A plugin of Fastify: `fastify.register(protect.fastify())`. It guards the context in which it is registered. */
  fastify(): FastifyPluginLike;
  /**
   * A middleware of Hono: `app.use(protect.hono())`. It finds the address of the connection on Node, Deno, Bun and Cloudflare; elsewhere hand
   * in the `getConnInfo` of the runtime.
   */
  hono(getConnInfo?: GetConnInfo): HonoMiddleware;
}

/**
 * Makes a guard: it stands before a service, and lets HTTP requests pass as far as a set allows. Each takes of the limits of all and of
 * those of its partitions, all or nothing. Resources come back when the answer has been sent, has failed, or the client has gone. Answers tell of
 * the limits in headers. A refusal has status 429, with `Retry-After` and a problem document, or 503 where too many wait already.
 *
 * @param limits The set: a `LimitSet`, or one that lives elsewhere.
 * @param options The options.
 * @throws {InvalidRequestError} if an option makes no sense.
 * @example
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 100, windowMs: 60_000, per: "ip" })] });
 * const protect = guard(limits, { address: "cf-connecting-ip" });
 * const serve = protect.handler(() => new Response("hello"));
 * const request = new Request("https://example.com/", { headers: { "cf-connecting-ip": "192.0.2.7" } });
 * (await serve(request)).headers.get("ratelimit"); // '"call_count";r=99;t=1'
 */
export function guard<M extends string, K extends string>(
  limits: Limits<M, K>,
  options: GuardOptions<M, K> = {},
): Guard {
  if (typeof (limits as Limits | undefined)?.tryAcquire !== "function") {
    throw new InvalidRequestError(`the limits must be a set, such as a LimitSet, got ${show(limits)}`);
  }
  const { onWarning = warnOnce() } = checkGuardOptions(options);
  const complete = { ...options, onWarning } as unknown as CompleteOptions;
  const door = new Door(limits as unknown as AnyLimits, complete);
  return {
    handler: (handle) => guardHandler(door, handle),
    node: (listener) => guardListener(door, listener),
    upgrade: (listener) => guardUpgrade(door, listener),
    express: () => guardMiddleware(door),
    fastify: () => guardPlugin(door),
    hono: (getConnInfo) => guardHono(door, getConnInfo),
  };
}
