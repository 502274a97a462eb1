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
  /** Calls back when the other side is gone. */
  ended?(listener: () => void): void;
  /**
   * Whether `ended` can be relied on. Default: yes, if it is there. If not, both sides send a sign of life every 5 s while
   * something is held or waited for, and take 25 s of silence for the end.
   */
  readonly tells?: boolean;
  /** Whether this side waits for an answer, and so should keep its process alive. While it does not, it need not listen. */
  hold?(waiting: boolean): void;
}

/** A MessagePort, a Worker, a worker's own global scope. */
export interface PortLike {
  /** Sends a message that structured cloning carries. */
  postMessage(message: unknown): void;
}

/** A child process, a worker of a cluster, or `process` itself in one of these. */
export interface ProcessLike {
  /** Sends a message over the process's channel; absent where a process has none. */
  send?(message: unknown, ...rest: never[]): unknown;
  /** Calls back with each message that comes. */
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** Whatever `serveLimits` and `connectLimits` take. */
export type EndpointLike =
  | Endpoint
  | PortLike
  | ProcessLike
  | {
      /** Of the event that a SharedWorker gets for each page that connects. */
      readonly ports: readonly PortLike[];
    }
  | {
      /** Of a SharedWorker, as the page has it. */
      readonly port: PortLike;
    };

type Listener = (event: never) => void;

/** What events come by, in Node. */
interface Emitter {
  on(event: string, listener: Listener): unknown;
  once(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** What events come by, elsewhere. */
interface Target {
  addEventListener(event: string, listener: Listener): void;
  removeEventListener(event: string, listener: Listener): void;
  start?(): void;
}

export function tells({ ended, tells = ended !== undefined }: Endpoint): boolean {
  return tells;
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

/**
 * Listens by turning `listen` on and off. In Node a channel that somebody listens to keeps its process alive; so while nothing
 * is awaited nobody does, and whether others listen to the same channel is left to them.
 */
function listening(listen: (listener: Listener, on: boolean) => void): Pick<Endpoint, "receive" | "hold"> {
  let heard: Listener | undefined;
  let on = false;
  const turn = (next: boolean) => {
    if (heard && next !== on) listen(heard, next);
    on = next;
  };
  return {
    receive(listener) {
      heard = listener as Listener;
      turn(true);
      return () => turn(false);
    },
    ...(isNode && { hold: turn }),
  };
}

function ofEmitter(port: PortLike & Emitter): Endpoint {
  const isWorker = "terminate" in port;
  const { receive, hold } = listening((heard, on) => port[on ? "on" : "off"]("message", heard));
  return {
    send: (message) => port.postMessage(message),
    receive,
    // A worker exits, a port is closed.
    ended: (listener) => {
      port.once("exit", listener);
      port.once("close", listener);
    },
    tells: isNode || isWorker,
    // A worker has a life of its own.
    ...(hold && !isWorker && { hold }),
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
    // Some ports and workers of some runtimes.
    ended: (listener) => port.addEventListener("close", listener),
    tells: false,
  };
}

function ofProcess(other: ProcessLike & Emitter & { connected?: boolean }): Endpoint {
  const listeners = new Set<() => void>();
  const gone = () => {
    for (const listener of listeners) listener();
  };
  const { receive, hold } = listening((heard, on) => {
    other[on ? "on" : "off"]("message", heard);
    other[on ? "on" : "off"]("disconnect", gone);
    if (on && other.connected === false) gone();
  });
  return {
    send(message) {
      const { send } = other as { send?(message: unknown, ...rest: unknown[]): unknown };
      if (!send) throw new InvalidRequestError("this process has no channel: it was not forked");
      // Without a callback, a channel that is gone is an error event that nobody expects.
      send.call(other, message, undefined, undefined, () => {});
    },
    receive,
    ended(listener) {
      listeners.add(listener);
      if ((other as unknown) !== process) other.once("exit", listener);
    },
    // A child has a life of its own.
    ...(hold && (other as unknown) === process && { hold }),
  };
}
