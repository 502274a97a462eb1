/** The client libraries that are supported, told apart by the shape of a client. None of them is imported. */
import { InvalidRequestError, show } from "../errors.ts";
import { Pulse } from "./pulse.ts";
import { script } from "./script/index.ts";
import { Teaching } from "./teaching.ts";

type Listener = (...args: never[]) => void;

/** A client of `ioredis` or `iovalkey`, a `Redis` or a `Cluster`: the methods that are used of it. */
export interface IoredisLike {
  /** Runs a script that the server knows by its hash. */
  evalsha(sha: string, keys: number, ...args: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, keys: number, ...args: string[]): Promise<unknown>;
  /** A second connection, which listens for messages of the server. */
  duplicate(options?: never): object;
}

/** A client or a cluster of `redis` (node-redis): the methods that are used of it. */
export interface NodeRedisLike {
  /** Runs a script that the server knows by its hash. */
  evalSha(sha: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, options: { keys: string[]; arguments: string[] }): Promise<unknown>;
  /** A second connection, which listens for messages of the server. */
  duplicate(): object;
}

/** A client of `@upstash/redis`, which calls the server over HTTP: the methods that are used of it. */
export interface UpstashLike {
  /** Runs a script that the server knows by its hash. */
  evalsha(sha: string, keys: string[], args: string[]): Promise<unknown>;
  /** Runs a script. */
  eval(script: string, keys: string[], args: string[]): Promise<unknown>;
  /** Tells it from the clients that have connections. */
  readonly scriptLoad: unknown;
}

/** A client of one of the supported libraries, connected or about to be. */
export type RedisClient = IoredisLike | NodeRedisLike | UpstashLike;

/** A client's second connection, which listens. */
interface IoredisSubscriber {
  on(event: "message", listener: (channel: string, message: string) => void): unknown;
  on(event: "error" | "ready", listener: Listener): unknown;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
  readonly status?: string;
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
  readonly isReady?: boolean;
}

/** A second connection of a client, which hears published messages. */
export interface Ear {
  listen(channel: string): Promise<unknown>;
  ignore(channel: string): Promise<unknown>;
  /** Sets whether the connection is a reason for the process to go on. */
  hold(holds: boolean): void;
  end(): void;
}

/** One server or a cluster: it runs a script for a key. */
export interface Server {
  readonly pulse: Pulse;
  /** Runs the script. If the server does not know it, sends its text. */
  run(key: string, args: string[]): Promise<unknown>;
  /** The name by which the server knows a key: the client may put a prefix before it. */
  nameOf(key: string): string;
  /**
   * Calls `heard` with each channel and message; `again` after an interruption, during which messages may have been missed. Undefined
   * where the client has no connection on which it could hear.
   */
  readonly ear?: (heard: (channel: string, message: string) => void, again: () => void) => Promise<Ear>;
}

const servers = new WeakMap<RedisClient, Server>();

/**
 * The server of a client: all sets of a client share it.
 *
 * @throws {InvalidRequestError} if it is no client of a supported library.
 */
export function serverOf(client: RedisClient): Server {
  const isObject = typeof client === "object" && client !== null;
  const known = isObject && servers.get(client);
  if (known) return known;
  const has = (method: string) => isObject && typeof Reflect.get(client, method) === "function";
  const isUpstash = has("evalsha") && has("eval") && has("scriptLoad") && !has("duplicate");
  const missing = (isUpstash ? [] : ["evalsha", "eval", "duplicate"]).filter(
    (method) => !has(method) && !(method === "evalsha" && has("evalSha")),
  );
  if (missing.length > 0) {
    throw new InvalidRequestError(
      `client must be one of ioredis, iovalkey, node-redis or @upstash/redis, got ${show(client)}: it has no ${missing.join(", no ")}`,
    );
  }
  const server = isUpstash
    ? upstash(client as UpstashLike)
    : has("evalSha")
      ? nodeRedis(client as NodeRedisLike)
      : ioredis(client as IoredisLike);
  servers.set(client, server);
  return server;
}

const PATIENT = { enableOfflineQueue: true, maxRetriesPerRequest: null, lazyConnect: false };

function ioredis(client: IoredisLike): Server {
  const pulse = new Pulse(client);
  const teaching = new Teaching(pulse, !("nodes" in client));
  const { keyPrefix } = (client as { options?: { keyPrefix?: unknown } }).options ?? {};
  return {
    pulse,
    nameOf: (key) => `${keyPrefix ?? ""}${key}`,
    run: (key, args) =>
      teaching.run(
        (name) => client.evalsha(name, 1, key, ...args),
        () => client.eval(script, 1, key, ...args),
      ),
    async ear(heard, again) {
      const duplicate = client.duplicate.bind(client) as (options?: object) => IoredisSubscriber;
      // It waits for the server for as long as that is away, even if the client does not. (A cluster has no such option.)
      const subscriber = "nodes" in client ? duplicate() : duplicate(PATIENT);
      subscriber.on("error", () => {});
      subscriber.on("message", heard);
      const hold = holder(
        () => subscriber.status === "ready",
        (holds) => (holds ? subscriber.stream?.ref?.() : subscriber.stream?.unref?.()),
      );
      subscriber.on("ready", () => {
        hold.again();
        again();
      });
      return {
        listen: (channel) => subscriber.subscribe(channel),
        ignore: (channel) => subscriber.unsubscribe(channel),
        hold: hold.set,
        end: () => subscriber.disconnect(),
      };
    },
  };
}

function nodeRedis(client: NodeRedisLike): Server {
  const pulse = new Pulse(client);
  const teaching = new Teaching(pulse, !("masters" in client));
  return {
    pulse,
    nameOf: (key) => key,
    run: (key, args) =>
      teaching.run(
        (name) => client.evalSha(name, { keys: [key], arguments: args }),
        () => client.eval(script, { keys: [key], arguments: args }),
      ),
    async ear(heard, again) {
      const subscriber = client.duplicate() as NodeRedisSubscriber;
      subscriber.on("error", () => {});
      const hold = holder(
        () => subscriber.isReady === true,
        (holds) => (holds ? subscriber.ref?.() : subscriber.unref?.()),
      );
      subscriber.on("ready", () => {
        hold.again();
        again();
      });
      await subscriber.connect();
      // One for all channels, so that subscribing again adds no second listener.
      const listener = (message: string, channel: string) => heard(channel, message);
      return {
        listen: (channel) => subscriber.subscribe(channel, listener),
        ignore: (channel) => subscriber.unsubscribe(channel),
        hold: hold.set,
        end: () => void (subscriber.destroy ? subscriber.destroy() : subscriber.disconnect?.()),
      };
    },
  };
}

function upstash(client: UpstashLike): Server {
  const pulse = new Pulse(client);
  const teaching = new Teaching(pulse, true);
  return {
    pulse,
    nameOf: (key) => key,
    run: (key, args) =>
      teaching.run(
        (name) => client.evalsha(name, [key], args).catch(bareReply),
        () => client.eval(script, [key], args).catch(bareReply),
      ),
  };
}

/** Throws the error of a server as the server said it: without the words before it, and without the command behind it. */
function bareReply(error: unknown): never {
  const [, reply] =
    /^(?:Command failed: )?([A-Z]{2,} .*?)(?:, command was: .*)?$/s.exec(String((error as Error).message)) ??
    [];
  throw reply === undefined ? error : new Error(reply);
}

/**
 * Tells a connection whether it is a reason for the process to go on: only when that changes, and only while the connection is
 * there. A socket without a connection would add a listener at each call, to do it later.
 */
function holder(isConnected: () => boolean, tell: (holds: boolean) => void) {
  let wanted = true;
  let told = true;
  const apply = () => {
    if (wanted === told || !isConnected()) return;
    told = wanted;
    tell(wanted);
  };
  return {
    set: (holds: boolean) => {
      wanted = holds;
      apply();
    },
    /** A new connection, which is a reason at first. */
    again: () => {
      told = true;
      apply();
    },
  };
}
