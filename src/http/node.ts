/** Servers of Node: its own, Express, and all that have its `req` and `res`. */
import type { Awaitable } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type Door, GONE, type Outcome } from "./door.ts";
import { isPromise } from "./eventually.ts";
import type { Hold } from "./hold.ts";
import type { Arrival, HttpRequest } from "./incoming.ts";
import type { NodeRequest, NodeResponse, NodeSocket } from "./native.ts";

/** More of a request, which Express and others add. */
interface OfExpress {
  readonly originalUrl?: string;
  readonly ip?: string;
}

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

/** A request of Node as a guard sees it. The object is all of these at once, since one is made for each HTTP request. */
export class NodeArrival implements Arrival, HttpRequest {
  readonly native: unknown;
  private readonly node: NodeRequest;
  private readonly whenGone: ((listener: () => void) => void) | undefined;

  constructor(node: NodeRequest, native: unknown, whenGone: ((listener: () => void) => void) | undefined) {
    this.node = node;
    this.native = native;
    this.whenGone = whenGone;
  }

  get request(): HttpRequest {
    return this;
  }

  get method(): string {
    return this.node.method ?? "GET";
  }

  get path(): string {
    const { originalUrl, url = "/" } = this.node as NodeRequest & OfExpress;
    const text = originalUrl ?? url;
    const end = text.indexOf("?");
    return end < 0 ? text : text.slice(0, end);
  }

  get headers(): HttpRequest["headers"] {
    return new HeadersOf(this.node);
  }

  frameworkAddress(): string | undefined {
    return (this.native as OfExpress).ip;
  }

  peerAddress(): string | undefined {
    return this.node.socket.remoteAddress;
  }

  signal(): AbortSignal {
    const controller = new AbortController();
    this.whenGone?.(() => controller.abort());
    return controller.signal;
  }
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
  const bytes = hold.counts ? counted(response) : () => 0;
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

/** Decides about a request. Calls `next` if it passes, and `failed` if there is no decision. */
export function enter(
  door: Door,
  request: NodeRequest,
  response: NodeResponse,
  next: () => unknown,
  failed: (error: unknown) => void,
): void {
  // A client that has gone has no address any more, and awaits no answer.
  const undecided = (error: unknown) => {
    if (!request.socket.destroyed) failed(error);
  };
  let outcome: Awaitable<Outcome>;
  try {
    outcome = door.admit(
      new NodeArrival(request, request, (listener) => whenEnded(request, response, listener)),
    );
  } catch (error) {
    undecided(error);
    return;
  }
  // Errors of `next` are not of the decision: they go where they would go without a guard.
  if (isPromise(outcome)) outcome.then((known) => goOn(known, request, response, next), undecided);
  else goOn(outcome, request, response, next);
}

function goOn(outcome: Outcome, request: NodeRequest, response: NodeResponse, next: () => unknown): void {
  if (outcome === GONE) return;
  const { headings } = outcome;
  for (let i = 0; i < headings.length; i += 2) response.setHeader(headings[i]!, headings[i + 1]!);
  if (outcome.passes) {
    if (outcome.hold) holdUntilEnded(outcome.hold, request, response);
    next();
  } else {
    response.statusCode = outcome.status;
    response.end(outcome.body);
  }
}

/** Guards a listener of Node's own server, which has no place for errors. */
export function guardListener<Req extends NodeRequest, Res extends NodeResponse>(
  door: Door,
  listener: (request: Req, response: Res) => unknown,
): (request: Req, response: Res) => void {
  return (request, response) =>
    enter(
      door,
      request,
      response,
      () => listener(request, response),
      (error) => {
        door.options.onWarning(error as LimitError);
        response.statusCode = 500;
        response.end();
      },
    );
}

/** Guards Connect's kind of middleware, which Express has too. */
export function guardMiddleware(door: Door): NodeMiddleware {
  return (request, response, next) => enter(door, request, response, () => next(), next);
}

/** Middleware of Express, Connect and the like. */
export type NodeMiddleware = (
  request: NodeRequest,
  response: NodeResponse,
  next: (error?: unknown) => void,
) => void;
