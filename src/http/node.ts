/** Servers of Node: its own, Express, and all that have its `req` and `res`. */
import type { Awaitable } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Addressing, Arrival, pathOf } from "./arrival.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import { hasOthers, joined } from "./headers.ts";
import type { Hold } from "./hold.ts";
import type { HttpRequest } from "./incoming.ts";
import type { NodeRequest, NodeResponse, NodeSocket } from "./native.ts";

/** More of a request, which Express and others add. */
interface OfExpress {
  readonly originalUrl?: string;
  readonly app?: { readonly settings?: Readonly<Record<string, unknown>> };
  readonly ip?: string;
}

/** On a connection: the address of its other end, which it finds out at some cost each time. */
const PEER = Symbol("peer");

class HeadersOf {
  private readonly request: NodeRequest;

  constructor(request: NodeRequest) {
    this.request = request;
  }

  get(name: string): string | null {
    const value = this.request.headers[name.toLowerCase()];
    return value === undefined ? null : typeof value === "string" ? value : value.join(", ");
  }
}

/** A request of Node as a guard sees it. `ending` is what closes when its client has gone: the response, or the connection. */
export class NodeArrival extends Arrival {
  readonly native: unknown;
  private readonly node: NodeRequest;
  private readonly ending: NodeResponse | NodeSocket;

  constructor(addresses: Addressing, node: NodeRequest, native: unknown, ending: NodeResponse | NodeSocket) {
    super(addresses);
    this.node = node;
    this.native = native;
    this.ending = ending;
  }

  get method(): string {
    return this.node.method ?? "GET";
  }

  get path(): string {
    const { originalUrl, url = "/" } = this.node as NodeRequest & OfExpress;
    return pathOf(originalUrl ?? url);
  }

  get headers(): HttpRequest["headers"] {
    return new HeadersOf(this.node);
  }

  override header(name: string): string | null {
    return new HeadersOf(this.node).get(name);
  }

  override has(name: string): boolean {
    return hasIn(this.node.rawHeaders, name);
  }

  override frameworkAddress(): string | undefined {
    const native = this.native as OfExpress;
    // An app that was not told of proxies would read all headers to find the address of the connection.
    return native.app?.settings?.["trust proxy"] === false ? undefined : native.ip;
  }

  override peerAddress(): string | undefined {
    const { socket, httpVersionMajor } = this.node;
    // The connection of HTTP/2 is a proxy.
    if (httpVersionMajor > 1) return socket.remoteAddress;
    const known = socket as NodeSocket & { [PEER]?: string | undefined };
    known[PEER] ??= known.remoteAddress;
    return known[PEER];
  }

  override signal(): AbortSignal {
    const controller = new AbortController();
    const abort = () => controller.abort();
    const { ending, node } = this;
    if ("headersSent" in ending) whenEnded(node, ending, abort);
    else if (ending.destroyed) abort();
    else ending.once("close", abort);
    return controller.signal;
  }
}

/** Whether a name, in small letters, is among headers as they have come. To read one makes an object of all of them. */
function hasIn(raw: readonly string[], name: string): boolean {
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.length === name.length && raw[i]!.toLowerCase() === name) return true;
  }
  return false;
}

/** The listeners of connections that HTTP requests are on: a client that has sent many ahead has one connection. */
const listeners = new WeakMap<NodeSocket, Set<() => void>>();

/** Calls back once, when the answer has been sent, has failed, or the client has gone. */
export function whenEnded(request: NodeRequest, response: NodeResponse, callback: () => void): void {
  const { socket } = request;
  if (response.destroyed || socket.destroyed) {
    callback();
    return;
  }
  // An answer that waits behind others on its connection has no event when that breaks off. Streams of HTTP/2 have.
  const others = request.httpVersionMajor < 2 ? listenersOf(socket) : undefined;
  const end = () => {
    if (others?.delete(end) === false) return;
    callback();
  };
  others?.add(end);
  response.once("close", end);
}

function listenersOf(socket: NodeSocket): Set<() => void> {
  let all = listeners.get(socket);
  if (!all) {
    const made = new Set<() => void>();
    socket.once("close", () => {
      for (const listener of [...made]) listener();
    });
    listeners.set(socket, made);
    all = made;
  }
  return all;
}

/** Ends the hold with the answer. */
export function holdUntilEnded(hold: Hold, request: NodeRequest, response: NodeResponse): void {
  // The body of an answer to HEAD is not sent.
  const bytes = hold.counts && request.method !== "HEAD" ? counted(response) : () => 0;
  whenEnded(request, response, () => {
    const { headersSent, statusCode, writableFinished: complete } = response;
    hold.end({ status: headersSent ? statusCode : 0, bytes: bytes(), complete });
  });
}

type Write = (this: unknown, chunk?: unknown, ...rest: readonly unknown[]) => unknown;

/** Counts the bytes of the body that are written. */
function counted(response: NodeResponse): () => number {
  let bytes = 0;
  let isWithin = false;
  const target = response as unknown as Record<"write" | "end", Write>;
  for (const name of ["write", "end"] as const) {
    const original = target[name];
    target[name] = function (chunk, ...rest) {
      // One of the two may call the other.
      if (isWithin) return original.call(this, chunk, ...rest);
      if (typeof chunk === "string") bytes += Buffer.byteLength(chunk, encodingOf(rest[0]));
      else if (chunk instanceof Uint8Array) bytes += chunk.byteLength;
      isWithin = true;
      try {
        return original.call(this, chunk, ...rest);
      } finally {
        isWithin = false;
      }
    };
  }
  return () => bytes;
}

function encodingOf(value: unknown): "utf8" {
  return (typeof value === "string" ? value : "utf8") as "utf8";
}

/** Ends with the error of a decision. */
type Failed<Req, Res> = (error: unknown, request: Req, response: Res) => void;

/** Decides about a request, and calls `passed` if it passes. */
function enter<Req extends NodeRequest, Res extends NodeResponse>(
  door: Door,
  request: Req,
  response: Res,
  passed: (request: Req, response: Res) => unknown,
  failed: Failed<Req, Res>,
): void {
  let outcome: Awaitable<Outcome>;
  try {
    outcome = door.admit(new NodeArrival(door.addresses, request, request, response));
  } catch (error) {
    undecided(error, request, response, failed);
    return;
  }
  // Errors of `passed` are not of the decision: they go where they would go without a guard.
  if (!isPromise(outcome)) {
    if (passes(outcome, request, response, failed)) passed(request, response);
    return;
  }
  outcome.then(
    (known) => {
      if (passes(known, request, response, failed)) passed(request, response);
    },
    (error) => undecided(error, request, response, failed),
  );
}

/** Whether the client has gone. A connection that it has broken off has no address any more, some time before it is closed. */
export function hasGone(socket: NodeSocket): boolean {
  return socket.destroyed || (socket.remoteAddress === undefined && socket.localAddress !== undefined);
}

/** A client that has gone has no address any more, and awaits no answer. */
function undecided<Req extends NodeRequest, Res>(
  error: unknown,
  request: Req,
  response: Res,
  failed: Failed<Req, Res>,
): void {
  if (!hasGone(request.socket)) failed(error, request, response);
}

/** Whether the request passes. If not, it answers. */
function passes<Req extends NodeRequest, Res extends NodeResponse>(
  outcome: Outcome,
  request: Req,
  response: Res,
  failed: Failed<Req, Res>,
): boolean {
  if (outcome === GONE) return false;
  if (outcome.passes) {
    if (outcome.hold) holdUntilEnded(outcome.hold, request, response);
    tellIn(response, outcome.headings);
    return true;
  }
  // Something else has answered while the decision was awaited.
  if (response.headersSent) return false;
  try {
    tellIn(response, outcome.headings);
    response.statusCode = outcome.status;
    response.end(outcome.body);
  } catch (error) {
    failed(error, request, response);
  }
  return false;
}

/** Sets headers, beside those that another guard has set. */
export function tellIn(response: NodeResponse, headings: readonly string[]): void {
  if (headings.length === 0 || response.headersSent) return;
  const told = besides(response, headings);
  for (let i = 0; i < told.length; i += 2) response.setHeader(told[i]!, told[i + 1]!);
}

/** The same headers, with the values that another guard has set. */
export function besides(
  answer: Pick<NodeResponse, "getHeader">,
  headings: readonly string[],
): readonly string[] {
  if (!hasOthers() || answer.getHeader("ratelimit") === undefined) return headings;
  return headings.map((text, i) => (i % 2 === 0 ? text : joined(answer.getHeader(headings[i - 1]!), text)));
}

/** Guards a listener of Node's own server, which has no place for errors. */
export function guardListener<Req extends NodeRequest, Res extends NodeResponse>(
  door: Door,
  listener: (request: Req, response: Res) => unknown,
): (request: Req, response: Res) => void {
  const failed = (error: unknown, _: Req, response: Res) => {
    door.options.onWarning(error as LimitError);
    if (response.headersSent) return;
    response.statusCode = 500;
    response.end();
  };
  return (request, response) => enter(door, request, response, listener, failed);
}

/** Guards Connect's kind of middleware, which Express has too. */
export function guardMiddleware(door: Door): NodeMiddleware {
  return (request, response, next) =>
    enter(
      door,
      request,
      response,
      () => next(),
      (error) => next(error),
    );
}

/** Middleware of Express, Connect and the like. */
export type NodeMiddleware = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void;
