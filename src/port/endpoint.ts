/** Endpoints: one end of a channel between two sides that share no memory. Ports, workers and processes of every platform become one. */
import { InvalidRequestError, show } from "../errors.ts";
import { builtin } from "../platform/builtin.ts";
import { isNode } from "../platform/runtime.ts";
import { Ending, exited, type Trouble, troubleOf, UNREAD } from "./trouble.ts";

/**
 * One end of a channel of your own. A channel carries messages in order, each once or not at all. Messages are plain data that
 * JSON can carry.
 *
 * @example
 * const socket = new WebSocket(url);
 * const endpoint: Endpoint = {
 *   send: (message) => socket.send(JSON.stringify(message)),
 *   receive(listener) {
 *     const heard = ({ data }: MessageEvent) => listener(JSON.parse(data));
 *     socket.addEventListener("message", heard);
 *     return () => socket.removeEventListener("message", heard);
 *   },
 *   ended: (listener) => socket.addEventListener("close", listener),
 * };
 * const limits = connectLimits(endpoint);
 * (await limits.tryAcquire({ tokens: 500 })).successful; // true
 */
export interface Endpoint {
  /** Sends a message to the other end. May throw if the channel is gone: the connection then ends. */
  send(message: unknown): void;
  /** Calls `listener` with each message that arrives, until the returned function is called. */
  receive(listener: (message: unknown) => void): () => void;
  /** Calls `listener` when the other side is gone. Default: the end shows by silence alone; see `tells`. */
  ended?(listener: () => void): void;
  /**
   * Whether `ended` is called in every case, even if the other side crashes. Default: true if there is an `ended`. If false,
   * both sides exchange a heartbeat every 5 s while something is held or waited for, and a side that is silent for 25 s counts as
   * gone.
   */
  readonly tells?: boolean;
  /**
   * Keeps the process alive, or lets it exit. Called on the connecting side: with `true` when it begins to wait for an answer, or
   * when the `signal` of an acquisition is asked for, with `false` when all answers have come and no such acquisition is held. While it is `false`, the endpoint need not listen. Default: does nothing.
   */
  hold?(waiting: boolean): void;
}

/** An endpoint that the platform tells more about. */
export interface WatchedEndpoint extends Endpoint {
  /** `listener` gets the reason of the end, where it is known; endpoints of users may hand over anything. */
  ended?(listener: (reason?: unknown) => void): void;
  /** Calls `listener` when the other side is in trouble, until the returned function is called. */
  troubled?(listener: (trouble: Trouble) => void): () => void;
  /** Takes away the listeners of `ended`: a channel may see many connections. */
  forget?(): void;
}

/** An object with `postMessage`: a `MessagePort`, a `Worker`, or the global scope of a worker. */
export interface PortLike {
  /** Sends a message that structured cloning carries. */
  postMessage(message: unknown): void;
}

/** A process of Node with a channel: a child process, a worker of a cluster, or `process` itself inside one of these. */
export interface ProcessLike {
  /** Sends a message over the channel. Missing where a process has none. */
  send?(message: unknown, ...rest: never[]): unknown;
  /** Calls `listener` with each message that arrives. */
  on(event: "message", listener: (message: unknown) => void): unknown;
}

/** One end of a channel, in any form that `serveLimits` and `connectLimits` take. */
export type EndpointLike =
  | Endpoint
  | PortLike
  | ProcessLike
  | {
      /** Of the `connect` event that a `SharedWorker` gets for each page: the channel is its first port. */
      readonly ports: readonly PortLike[];
    }
  | {
      /** Of a `SharedWorker` as a page has it. */
      readonly port: PortLike;
    };

type Listener = (event: never) => void;

/** A source of events, in Node. */
interface Emitter {
  on(event: string, listener: Listener): unknown;
  once(event: string | symbol, listener: (value: unknown) => void): unknown;
  off(event: string | symbol, listener: Listener): unknown;
}

/** A source of events, elsewhere. */
interface Target {
  addEventListener(event: string, listener: Listener): void;
  removeEventListener(event: string, listener: Listener): void;
  start?(): void;
}

/** Whether the end of the other side shows for certain, so that no heartbeat is needed. */
export function tells({ ended, tells = ended !== undefined }: Endpoint): boolean {
  return tells;
}

/**
 * `owner` is the `SharedWorker` to which the port belongs.
 *
 * @throws {InvalidRequestError} if `like` is not an endpoint.
 */
export function toEndpoint(like: EndpointLike, owner?: Target): WatchedEndpoint {
  const has = (name: string) => typeof like === "object" && like !== null && name in like;
  if (has("receive") && has("send")) return like as Endpoint;
  if (has("postMessage")) {
    return has("on") ? ofEmitter(like as PortLike & Emitter) : ofTarget(like as PortLike & Target, owner);
  }
  if (has("send") && has("on")) return ofProcess(like as ProcessLike & Emitter);
  if (has("port")) return toEndpoint((like as { port: PortLike }).port, like as unknown as Target);
  const port = (like as { ports?: PortLike[] })?.ports?.[0];
  if (port) return toEndpoint(port);
  throw new InvalidRequestError(
    `endpoint must be a port, a worker, a process with a channel, or an object with send() and receive(), got ${show(like)}`,
  );
}

const { process } = globalThis as { process?: unknown };

/**
 * Receives by adding (`on`) and removing a listener. In Node a listener keeps the process alive, so there is none while no answer
 * is awaited. Other listeners on the same channel are not touched, as they would be by `unref`.
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

function ofEmitter(port: PortLike & Emitter & { readonly threadId?: number }): WatchedEndpoint {
  const isWorker = "terminate" in port;
  const { receive, hold } = listening((heard, on) => port[on ? "on" : "off"]("message", heard));
  const { once, forget } = onceOn(port);
  return {
    send: (message) => port.postMessage(message),
    receive,
    forget,
    // Workers emit "exit", ports "close".
    ended(listener) {
      let cause: unknown;
      if (isWorker && errorMonitor) {
        once(errorMonitor, (error) => {
          cause = error;
        });
      }
      once("exit", (code) => listener(exited(code, cause)));
      once("close", () => listener());
      if (isWorker && isNode && port.threadId === -1) listener(new Ending("its thread has ended before"));
    },
    // Ports of other runtimes do not always tell.
    tells: isNode || isWorker,
    // A worker keeps the process alive by itself, whether there are listeners or not.
    ...(hold && !isWorker && { hold }),
  };
}

/** Listens for events of an emitter that come once, until `forget`. */
function onceOn(emitter: Emitter) {
  const listeners: [event: string | symbol, listener: (value: unknown) => void][] = [];
  return {
    once(event: string | symbol, listener: (value: unknown) => void) {
      listeners.push([event, listener]);
      emitter.once(event, listener);
    },
    forget() {
      for (const [event, listener] of listeners) emitter.off(event, listener);
    },
  };
}

/** The event by which one may see an error of a worker without handling it: otherwise it would not end the program any more. */
const errorMonitor = builtin<{ readonly errorMonitor?: symbol }>("node:events")?.errorMonitor;

function ofTarget(port: PortLike & Target, owner?: Target): WatchedEndpoint {
  // A worker's own global scope gets the errors of this side.
  const worker = owner ?? ("terminate" in port ? port : undefined);
  const closed = new Set<() => void>();
  const close = () => {
    for (const listener of closed) listener();
  };
  return {
    send: (message) => port.postMessage(message),
    receive(listener) {
      const heard = ({ data }: { data: unknown }) => listener(data);
      port.addEventListener("message", heard as Listener);
      port.start?.();
      return () => port.removeEventListener("message", heard as Listener);
    },
    // Some ports and workers of some runtimes emit "close"; others never do.
    ended(listener) {
      closed.add(listener);
      port.addEventListener("close", close);
    },
    forget: () => port.removeEventListener("close", close),
    tells: false,
    troubled(listener) {
      const failed = (event: Partial<ErrorEvent>) => listener(troubleOf(event));
      const unread = () => listener(UNREAD);
      port.addEventListener("messageerror", unread);
      worker?.addEventListener("error", failed);
      return () => {
        port.removeEventListener("messageerror", unread);
        worker?.removeEventListener("error", failed);
      };
    },
  };
}

function ofProcess(
  other: ProcessLike & Emitter & { readonly connected?: boolean; readonly exitCode?: number | null },
): WatchedEndpoint {
  const listeners = new Set<(reason?: Ending) => void>();
  const gone = (code?: unknown) => {
    // A signal may have ended it: then there is no code.
    const reason = typeof code === "number" ? exited(code) : undefined;
    for (const listener of listeners) listener(reason);
  };
  const disconnected = () => gone(other.exitCode);
  const { once, forget } = onceOn(other);
  const { receive, hold } = listening((heard, on) => {
    other[on ? "on" : "off"]("message", heard);
    other[on ? "on" : "off"]("disconnect", disconnected);
    if (on && other.connected === false) disconnected();
  });
  return {
    send(message) {
      const { send } = other as { send?(message: unknown, ...rest: unknown[]): unknown };
      if (!send)
        throw new InvalidRequestError(
          "this process has no channel: start it with fork() of node:child_process",
        );
      // Without a callback, sending over a closed channel emits an "error" event, which would end the process.
      send.call(other, message, undefined, undefined, () => {});
    },
    receive,
    forget,
    ended(listener) {
      listeners.add(listener);
      if (other !== process) once("exit", gone);
      if (other.connected === false) disconnected();
    },
    // A child keeps this process alive by itself.
    ...(hold && other === process && { hold }),
  };
}
