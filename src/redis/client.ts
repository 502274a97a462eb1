/** The clients that can be handed in, told apart by their shape. None of them is imported. */
import { InvalidRequestError, show } from "../errors.ts";
import { script, sha } from "./script/index.ts";

type Listener = (...args: never[]) => void;

/** What is needed of `ioredis` and `iovalkey`, a `Redis` or a `Cluster`. */
export interface IoredisLike {
  /** Runs a script that the server knows by its hash. */
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
  /** A second connection, which listens for messages of the server. */
  duplicate(options?: never): object;
}

/** What is needed of `redis` (node-redis), a client or a cluster. */
export interface NodeRedisLike {
  /** Runs a script that the server knows by its hash. */
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** A second connection, which listens for messages of the server. */
  duplicate(): object;
}

/** A client of a Redis or Valkey server. */
export type RedisClient = IoredisLike | NodeRedisLike;

/** A client's second connection, to listen on. */
interface IoredisSubscriber {
  on(event: "message", listener: (channel: string, message: string) => void): unknown;
  on(event: "error" | "ready", listener: Listener): unknown;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
  readonly stream?: { ref?(): void; unref?(): void };
}

interface NodeRedisSubscriber {
  on(event: "error" | "ready", listener: Listener): unknown;
  connect(): Promise<unknown>;
  subscribe(channel: string, listener: (message: string, channel: string) => void): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  destroy?(): void;
  disconnect?(): unknown;
  ref?(): void;
  unref?(): void;
}

/** A second connection of a client, that hears what is published. */
export interface Ear {
  listen(channel: string): Promise<unknown>;
  ignore(channel: string): Promise<unknown>;
  /** Whether it is a reason for the process to go on. */
  hold(holds: boolean): void;
  end(): void;
}

/** One server, or several that are one: where a script runs by key. */
export interface Server {
  /** Runs the script; if the server does not know it any more, teaches it. */
  run(key: string, args: string[]): Promise<string>;
  /** `heard` is told the channel and the message; `again` that what was listened to may have been missed. */
  ear(heard: (channel: string, message: string) => void, again: () => void): Promise<Ear>;
}

/**
 * @throws {InvalidRequestError} if it is no client that is known here.
 */
export function serverOf(client: RedisClient): Server {
  const has = (method: string) =>
    typeof client === "object" && client !== null && typeof Reflect.get(client, method) === "function";
  if (has("evalSha") && has("eval") && has("duplicate")) return nodeRedis(client as NodeRedisLike);
  if (has("evalsha") && has("eval") && has("duplicate")) return ioredis(client as IoredisLike);
  throw new InvalidRequestError(
    `client must be one of ioredis, iovalkey or node-redis, got ${show(client)}: it has no evalsha, eval and duplicate`,
  );
}

const PATIENT = { enableOfflineQueue: true, maxRetriesPerRequest: null, lazyConnect: false };

function ioredis(client: IoredisLike): Server {
  return {
    run: (key, args) =>
      taught(
        () => client.evalsha(sha, 1, key, ...args),
        () => client.eval(script, 1, key, ...args),
      ),
    async ear(heard, again) {
      const duplicate = client.duplicate.bind(client) as (options?: object) => IoredisSubscriber;
      // It is to wait for the server however long that is away, whatever the client does. (Of a cluster there is no such choice.)
      const subscriber = "nodes" in client ? duplicate() : duplicate(PATIENT);
      subscriber.on("error", () => {});
      subscriber.on("message", heard);
      subscriber.on("ready", again);
      return {
        listen: (channel) => subscriber.subscribe(channel),
        ignore: (channel) => subscriber.unsubscribe(channel),
        hold: (holds) => (holds ? subscriber.stream?.ref?.() : subscriber.stream?.unref?.()),
        end: () => subscriber.disconnect(),
      };
    },
  };
}

function nodeRedis(client: NodeRedisLike): Server {
  return {
    run: (key, args) =>
      taught(
        () => client.evalSha(sha, { keys: [key], arguments: args }),
        () => client.eval(script, { keys: [key], arguments: args }),
      ),
    async ear(heard, again) {
      const subscriber = client.duplicate() as NodeRedisSubscriber;
      subscriber.on("error", () => {});
      subscriber.on("ready", again);
      await subscriber.connect();
      // One for all, since a listener is added once only.
      const listener = (message: string, channel: string) => heard(channel, message);
      return {
        listen: (channel) => subscriber.subscribe(channel, listener),
        ignore: (channel) => subscriber.unsubscribe(channel),
        hold: (holds) => (holds ? subscriber.ref?.() : subscriber.unref?.()),
        end: () => void (subscriber.destroy ? subscriber.destroy() : subscriber.disconnect?.()),
      };
    },
  };
}

async function taught(call: () => Promise<unknown>, teach: () => Promise<unknown>): Promise<string> {
  try {
    return String(await call());
  } catch (error) {
    if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
    return String(await teach());
  }
}

/** Answers that say no more than that the server cannot do it now. */
const TRANSIENT =
  /\b(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|UNBLOCKED)\b/;
/** Answers that will be the same the next time. */
const LASTING = /^(ERR|WRONGTYPE|NOPERM|NOAUTH|WRONGPASS)\b|user_script/;

/** Whether an error will not go away by itself. All others are a connection that may come back, or a server that is busy. */
export function isLasting(error: unknown): boolean {
  const message = messageOf(error);
  return LASTING.test(message) && !TRANSIENT.test(message);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
