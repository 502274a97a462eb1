/** The side that has the set. */
import type { Limits } from "../contract.ts";
import type { Limit } from "../limits/limits.ts";
import { sendableConfig } from "../remote/sendable.ts";
import { type Endpoint, type EndpointLike, tells, toEndpoint } from "./endpoint.ts";
import { Peer, type Terms } from "./peer.ts";
import { ASK, NOBODY, Outbox, type Said, saidIn, TELL, VERSION } from "./protocol.ts";

/** Options of `serveLimits`. */
export interface ServeOptions {
  /** Which set it is, where one channel carries several: both sides say the same name. Default: `""`. */
  readonly name?: string;
}

/** A set that is served to one peer. */
export interface Service {
  /** Serves the peer no more: what it holds comes back, who waits is told. Again: does nothing. */
  stop(): void;
}

/**
 * Serves a set to whoever connects at the other end of a channel: its acquires wait in the set's own queue, and what it holds
 * comes back when it disappears, at once where the platform tells, within 25 s where it does not.
 *
 * Served again on the same channel under the same name: the new service takes the place of the old.
 *
 * @throws {CannotShareError} if the set's `config` cannot be sent.
 * @throws {InvalidRequestError} if the endpoint is none.
 * @example
 * const child = fork("./worker.js");
 * serveLimits(limits, child); // there: connectLimits(process)
 */
export function serveLimits<K extends string>(
  limits: Limits<K>,
  endpoint: EndpointLike,
  { name = "" }: ServeOptions = {},
): Service {
  const host = new Host<K>(limits, toEndpoint(endpoint), name);
  const channel = endpoint as object;
  const hosts = served.get(channel) ?? new Map<string, { replace(): void }>();
  served.set(channel, hosts);
  hosts.get(name)?.replace();
  hosts.set(name, host);
  return { stop: () => host.stop("the host has stopped to serve") };
}

/** By channel and name: who serves there, or has. */
const served = new WeakMap<object, Map<string, { replace(): void }>>();

/** One end of a channel: whoever says hello there is a peer. */
class Host<K extends string> {
  readonly #terms: Terms<K>;
  readonly #endpoint: Endpoint;
  readonly #name: string;
  readonly #unlisten: () => void;
  readonly #peers = new Map<number, Peer<K>>();
  /** Why nobody is served here any more. A peer may not have heard: it listens only while it waits for an answer. */
  #stopped: string | undefined;

  constructor(limits: Limits<K>, endpoint: Endpoint, name: string) {
    const definitions = limits.keys.map((key) => {
      const { stats: _, ...limit } = limits.get(key);
      return limit as Limit;
    });
    this.#terms = { limits, definitions, config: sendableConfig(limits.config), tells: tells(endpoint) };
    this.#endpoint = endpoint;
    this.#name = name;
    endpoint.ended?.(() => this.#endAll(undefined));
    this.#unlisten = endpoint.receive((message) => {
      const said = saidIn(message, name, "host");
      if (said && said.ops.length > 0) this.#hear(said);
    });
    this.#outboxFor(NOBODY).say(TELL.HERE);
  }

  stop(why: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = why;
    this.#endAll(why);
  }

  /** Another serves in its place. */
  replace(): void {
    this.stop("the set is served anew");
    this.#unlisten();
  }

  #hear({ session, ops }: Said): void {
    let peer = this.#peers.get(session);
    if (!peer) {
      const [kind, version] = ops[0]!;
      const outbox = this.#outboxFor(session);
      const strange =
        version === VERSION ? undefined : `the host speaks version ${VERSION}, the peer ${String(version)}`;
      const why = this.#stopped ?? (kind === ASK.HELLO ? strange : "the host does not know this connection");
      if (why !== undefined) {
        outbox.say(TELL.ENDED, why);
        return;
      }
      peer = new Peer(this.#terms, outbox, () => this.#peers.delete(session));
      this.#peers.set(session, peer);
    }
    peer.hear(ops);
  }

  #outboxFor(session: number): Outbox {
    return new Outbox({ endpoint: this.#endpoint, name: this.#name, to: "peer", session }, () =>
      this.#endAll(undefined),
    );
  }

  #endAll(why: string | undefined): void {
    for (const peer of [...this.#peers.values()]) peer.end(why);
  }
}
