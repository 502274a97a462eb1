/** One end of a channel between two sides that share no memory, and how those that platforms have are one. */
import { InvalidRequestError, show } from "../errors.ts";

/**
 * What a channel has to do: carry messages in order, each once or not at all. Messages are plain data that JSON carries too.
 */
export interface Endpoint {
  /** Sends a message; may throw if the channel is gone. */
  send(message: unknown): void;
  /** Calls back with each message that comes, until the function it returns is called. */
  receive(listener: (message: unknown) => void): () => void;
  /**
   * Calls back once when the other side is gone. Left out where the channel cannot tell: both sides then send a sign of
   * life every 5 s while something is held or waited for, and take 20 s of silence for the end.
   */
  ended?(listener: () => void): void;
  /** Whether this side waits for an answer, and so should keep its process alive. Default: nothing. */
  hold?(waiting: boolean): void;
}

/** A MessagePort, a Worker, a worker's own global scope. */
export interface PortLike {
  postMessage(message: unknown): void;
}

/** A child process, a worker of a cluster, or `process` itself in one of these. */
export interface ProcessLike {
  send?(message: unknown, ...rest: never[]): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** Whatever `serveLimits` and `connectLimits` take. */
export type EndpointLike =
  | Endpoint
  | PortLike
  | ProcessLike
  /** The event that a SharedWorker gets for each page that connects. */
  | { readonly ports: readonly PortLike[] }
  /** A SharedWorker, as the page has it. */
  | { readonly port: PortLike };

type Listener = (event: never) => void;

/** What events come by, in Node. */
interface Emitter {
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
  listenerCount(event: string): number;
}

/** What keeps a process alive, or does not. */
interface Ref {
  ref(): void;
  unref(): void;
}

/** What events come by, elsewhere. */
interface Target {
  addEventListener(event: string, listener: Listener): void;
  removeEventListener(event: string, listener: Listener): void;
  start?(): void;
}

/** @throws {InvalidRequestError} if it is none of these. */
export function toEndpoint(like: EndpointLike): Endpoint {
  const has = (name: string) => typeof like === "object" && like !== null && name in like;
  if (has("receive") && has("send")) return like as Endpoint;
  if (has("postMessage")) {
    return has("on") ? ofEmitter(like as PortLike & Emitter) : ofTarget(like as PortLike & Target);
  }
  if (has("send") && has("on")) return ofProcess(like as ProcessLike & Emitter);
  const port = has("port") ? (like as { port: PortLike }).port : (like as { ports?: PortLike[] })?.ports?.[0];
  if (port) return toEndpoint(port);
  throw new InvalidRequestError(
    `an endpoint is a port, a worker, a child process, or has send() and receive(); got ${show(like)}`,
  );
}

const { process } = globalThis as { process?: { versions?: Record<string, string> } };

/** Only Node's own ports are known to tell when their other end is gone. */
const isNode =
  process?.versions !== undefined && !("bun" in process.versions) && !("deno" in process.versions);

/** Lets go of a channel that nobody else listens to, while nothing is awaited from it. */
function holder(emitter: Emitter, channel: () => Ref | null | undefined): (waiting: boolean) => void {
  return (waiting) => {
    if (waiting) channel()?.ref();
    else if (emitter.listenerCount("message") === 1) channel()?.unref();
  };
}

function ofEmitter(port: PortLike & Emitter): Endpoint {
  const ended = (listener: () => void) => {
    // A worker exits, a port is closed.
    port.once("exit", listener);
    port.once("close", listener);
  };
  return {
    send: (message) => port.postMessage(message),
    receive(listener) {
      port.on("message", listener as Listener);
      return () => port.off("message", listener as Listener);
    },
    ...((isNode || "terminate" in port) && { ended }),
    // A worker has a life of its own.
    ...("unref" in port && !("terminate" in port) && { hold: holder(port, () => port as unknown as Ref) }),
  };
}

function ofTarget(port: PortLike & Target): Endpoint {
  return {
    send: (message) => port.postMessage(message),
    receive(listener) {
      const heard = ({ data }: { data: unknown }) => listener(data);
      port.addEventListener("message", heard as Listener);
      port.start?.();
      return () => port.removeEventListener("message", heard as Listener);
    },
  };
}

function ofProcess(other: ProcessLike & Emitter & { channel?: Ref | null }): Endpoint {
  return {
    send(message) {
      const { send } = other as { send?(message: unknown, ...rest: unknown[]): unknown };
      if (!send) throw new InvalidRequestError("this process has no channel: it was not forked");
      // Without a callback, a channel that is gone is an error event that nobody expects.
      send.call(other, message, undefined, undefined, () => {});
    },
    receive(listener) {
      const heard = (message: unknown) => listener(message);
      other.on("message", heard as Listener);
      return () => other.off("message", heard as Listener);
    },
    ended(listener) {
      other.once("exit", listener);
      other.once("disconnect", listener);
    },
    // So has a child.
    ...((other as unknown) === process && { hold: holder(other, () => other.channel) }),
  };
}
