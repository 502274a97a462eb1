/** `serveLimits`: the host's side of a channel, which has the set. */
import type { Limits } from "../contract.ts";
import { InvalidRequestError, show } from "../errors.ts";
import { checkOptions, invalidRequest } from "../limits/known-options.ts";
import { isOfView } from "../limits/named-requests.ts";
import { Followed } from "../remote/living-of.ts";
import { sendableConfig } from "../remote/sendable.ts";
import { type EndpointLike, tells, toEndpoint, type WatchedEndpoint } from "./endpoint.ts";
import { Greetings } from "./greetings.ts";
import { type Bounds, checkBounds, type ServeOptions } from "./options.ts";
import { Outbox } from "./outbox.ts";
import { Peer } from "./peer.ts";
import { Pieces } from "./pieces.ts";
import { BROADCAST, type Message, TO_HOST, TO_PEER, VERSION } from "./protocol.ts";
import { guarded, readMessage } from "./reading.ts";
import type { ServedSet, Shared } from "./served.ts";

/** A set that is served at one end of a channel. */
export interface Service {
  /**
   * Stops serving. Held resources come back, and peers' requests that wait reject with `BackendUnavailableError`. The set itself
   * stays open. Calling it again does nothing.
   */
  stop(): void;
}

/**
 * Serves a set to the peers that connect at the other end of a channel. Their requests wait in the set's own queue, together
 * with its local ones. When a peer disappears, the resources that it held come back: at once where the platform tells of the
 * end, within 25 s where it does not.
 *
 * Serving on the same channel under the same name again replaces the earlier service, which ends as by `stop()`.
 *
 * The options bound the memory that the other end can make this side use; a peer of `connectLimits` hardly meets them.
 *
 * @throws {CannotShareError} if the set's `config` cannot be sent.
 * @throws {InvalidLimitError} if a bound makes no sense.
 * @throws {InvalidRequestError} if `endpoint` is not an endpoint, `limits` is no set or a view, or an option is not known.
 * @example
 * const child = fork("./worker.js"); // there: connectLimits(process)
 * const service = serveLimits(limits, child);
 * service.stop(); // the child holds nothing any more
 */
export function serveLimits<M extends string, K extends string = M>(
  limits: Limits<M, K>,
  endpoint: EndpointLike,
  options: ServeOptions = {},
): Service {
  checkOptions("serveLimits", options, ["name", "maxRequests", "maxSessions", "maxUnread"], invalidRequest);
  if (typeof (limits as Limits | undefined | null)?.acquire !== "function")
    throw invalidRequest("limits", limits, "a set of limits");
  const { name = "" } = options;
  const host = new Host(limits as unknown as Limits, toEndpoint(endpoint), name, checkBounds(options));
  const channel = endpoint as object;
  const hosts = served.get(channel) ?? new Map<string, { replace(): void }>();
  served.set(channel, hosts);
  hosts.get(name)?.replace();
  hosts.set(name, host);
  return { stop: () => host.stop("the host has stopped serving the set") };
}

/** The latest host of each channel and name. */
const served = new WeakMap<object, Map<string, { replace(): void }>>();

/** The host at one end of a channel. Every session that begins with `HELLO` is a peer. */
class Host<K extends string> {
  readonly #set: ServedSet<K>;
  readonly #endpoint: WatchedEndpoint;
  readonly #name: string;
  readonly #shared: Shared;
  readonly #greetings: Greetings;
  readonly #unlisten: () => void;
  readonly #peers = new Map<number, Peer<K>>();
  /**
   * Why this host has stopped. It keeps listening, to tell peers that have not heard: a peer listens only while it waits for an
   * answer.
   */
  #stopped: string | undefined;

  constructor(limits: Limits<K>, endpoint: WatchedEndpoint, name: string, bounds: Bounds) {
    const changed = () => {
      for (const peer of [...this.#peers.values()]) peer.redefined();
    };
    const followed = new Followed(limits as unknown as Limits, changed);
    if (isOfView(followed.era.requests, followed.era.limits)) {
      throw new InvalidRequestError(
        "a view cannot be served: serve its set, and name partitions by for() of the connected set",
      );
    }
    this.#set = {
      limits,
      followed,
      config: sendableConfig(limits.config),
      tells: tells(endpoint),
    };
    this.#endpoint = endpoint;
    this.#name = name;
    this.#shared = { bounds, pieces: new Pieces(), requests: 0, nameUnits: 0, locks: 0 };
    this.#greetings = new Greetings(bounds.maxSessions);
    const failed = (why: string) => this.#endAll(`the host failed: ${why}`);
    endpoint.ended?.(guarded(() => this.#endAll(undefined), failed));
    const heard = (received: unknown) => {
      const message = readMessage("host", name, received);
      if (message && message.ops.length > 0) this.#receive(message);
    };
    this.#unlisten = endpoint.receive(guarded(heard, failed));
    this.#outboxFor(BROADCAST).send(TO_PEER.HERE);
  }

  stop(why: string): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = why;
    this.#endAll(why);
  }

  /** Stops for a newer host of the same channel and name, which answers all messages from now on. */
  replace(): void {
    this.stop("a newer service of the same name has replaced this one");
    this.#unlisten();
    this.#endpoint.forget?.();
  }

  #receive({ session, ops }: Message): void {
    for (const op of ops) if (op[0] === TO_HOST.READ) this.#greetings.read(op[1] as number);
    this.#set.followed.look();
    const peer = this.#peers.get(session) ?? this.#greet(session, ops[0]!);
    peer?.receive(ops);
  }

  /** Begins a session whose first operation is `first`, or refuses it. */
  #greet(session: number, first: Message["ops"][number]): Peer<K> | undefined {
    // The session has ended, and the peer has read that.
    if (first[0] === TO_HOST.READ || !this.#greetings.areOpen) return undefined;
    const greeting = this.#greetings.next();
    const outbox = this.#outboxFor(session);
    const why = this.#stopped ?? whyNotServed(first) ?? this.#whyNoRoom();
    if (why !== undefined) {
      outbox.send(TO_PEER.MARK, greeting, 0);
      outbox.send(TO_PEER.ENDED, why);
      return undefined;
    }
    const { followed } = this.#set;
    // The set knows of this host only while there is some peer: channels come and go without a word.
    followed.begin();
    const peer = new Peer(this.#set, this.#shared, outbox, greeting, () => {
      this.#peers.delete(session);
      if (this.#peers.size === 0) followed.rest();
    });
    this.#peers.set(session, peer);
    return peer;
  }

  #whyNoRoom(): string | undefined {
    const { maxSessions } = this.#shared.bounds;
    if (this.#peers.size < maxSessions) return undefined;
    return `the channel has ${maxSessions} connections, the host's maxSessions: close() those that are done`;
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

/** Why a session that begins with this operation is not served. Undefined if it is. */
function whyNotServed([kind, version]: Message["ops"][number]): string | undefined {
  if (kind !== TO_HOST.HELLO) return "the host does not know this connection";
  if (version === VERSION) return undefined;
  return `the host speaks version ${VERSION}, the peer ${show(version)}: use one version of limitset on both sides`;
}
