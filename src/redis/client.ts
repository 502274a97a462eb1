/** The client libraries that are supported, told apart by the shape of a client. None of them is imported. */
import { InvalidRequestError, show } from "../errors.ts";
import { messageOf } from "./errors.ts";
import { script, sha } from "./script/index.ts";

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

/** A client of one of the supported libraries, connected or about to be. */
export type RedisClient = IoredisLike | NodeRedisLike;

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
  /** Runs the script. If the server does not know it, sends its text. */
  run(key: string, args: string[]): Promise<string>;
  /** Calls `heard` with each channel and message; `again` after an interruption, during which messages may have been missed. */
  ear(heard: (channel: string, message: string) => void, again: () => void): Promise<Ear>;
}

/**
 * @throws {InvalidRequestError} if it is no client of a supported library.
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
  return {
    run: (key, args) =>
      taught(
        () => client.evalSha(sha, { keys: [key], arguments: args }),
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

async function taught(call: () => Promise<unknown>, teach: () => Promise<unknown>): Promise<string> {
  try {
    return String(await call());
  } catch (error) {
    if (!messageOf(error).startsWith("NOSCRIPT")) throw error;
    return String(await teach());
  }
}

/** Errors of a server that cannot do it now. */
const TRANSIENT =
  /\b(READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|UNBLOCKED)\b/;
/** Errors that will be the same the next time. */
const LASTING = /^(ERR|WRONGTYPE|NOPERM|NOAUTH|WRONGPASS)\b|user_script/;

/** Whether an error will not go away by itself, unlike a lost connection or a busy server. */
export function isLasting(error: unknown): boolean {
  const message = messageOf(error);
  return LASTING.test(message) && !TRANSIENT.test(message);
}
