/** The side that has the set. */
import type { Acquisition, Limits } from "../contract.ts";
import { AcquisitionReleasedError, CannotShareError, InvalidRequestError } from "../errors.ts";
import type { Limit } from "../limits.ts";
import { whenLost } from "../locks.ts";
import type { LimitStats } from "../stats.ts";
import { type Endpoint, type EndpointLike, tells, toEndpoint } from "./endpoint.ts";
import { SignsOfLife } from "./life.ts";
import { ASK, NOBODY, type Op, Outbox, type Said, saidIn, TELL, unpack, VERSION } from "./protocol.ts";
import { packError } from "./remote-errors.ts";

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

/** What peers are told of a set. */
interface Terms<K extends string> {
  readonly limits: Limits<K>;
  readonly definitions: readonly Limit[];
  readonly config: unknown;
  /** Whether the channel tells of its end. */
  readonly tells: boolean;
}

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
    this.#terms = { limits, definitions, config: sendable(limits.config), tells: tells(endpoint) };
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

/** What a peer has asked for: it waits until `held` is there. */
interface Entry<K extends string> {
  /** By which a request that waits is taken out of the line. */
  controller: AbortController | undefined;
  held: Acquisition<K> | undefined;
}

const MOST_SPARE = 16;

class Peer<K extends string> {
  readonly #terms: Terms<K>;
  readonly #limits: Limits<K>;
  readonly #outbox: Outbox;
  readonly #left: () => void;
  readonly #life: SignsOfLife;
  readonly #entries = new Map<number, Entry<K>>();
  /** Never aborted, and so as good as new: to make one costs a tenth of a round trip. */
  readonly #controllers: AbortController[] = [];
  #last = 0;
  #locked = false;
  #ended = false;

  constructor(terms: Terms<K>, outbox: Outbox, left: () => void) {
    this.#terms = terms;
    this.#limits = terms.limits;
    this.#outbox = outbox;
    this.#left = left;
    this.#life = new SignsOfLife({ lost: () => this.end("no sign of life for too long") });
  }

  hear(ops: readonly Op[]): void {
    this.#life.heard();
    for (const op of ops) if (!this.#ended) this.#do(op);
  }

  /** Gives back all that the peer holds, and takes its requests out of the line; says why, if there is somebody to hear it. */
  end(why: string | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#life.stop();
    if (why !== undefined) this.#outbox.say(TELL.ENDED, why);
    const entries = [...this.#entries.values()];
    this.#entries.clear();
    // First those who wait: what comes back is not for them.
    for (const { controller, held } of entries) if (!held) controller?.abort();
    for (const { held } of entries) if (held) settle(held, undefined);
  }

  #do(op: Op): void {
    const [kind, id, second, third, fourth] = op;
    if (kind === ASK.HELLO) this.#welcome();
    else if (kind === ASK.LOCK) this.#watch(id);
    else if (kind === ASK.PING) this.#outbox.say(TELL.PONG);
    else if (kind === ASK.BYE) this.end(undefined);
    else if (typeof id !== "number") return;
    else if (kind === ASK.CANCEL) this.#cancel(id);
    else if (kind === ASK.RELEASE) this.#release(id, second);
    else if (!this.#isNew(id)) return;
    else if (kind === ASK.ACQUIRE) this.#acquire(id, second, third, fourth);
    else if (kind === ASK.TRY) void this.#try(id, second);
    else if (kind === ASK.STATS) void this.#stats(id);
  }

  /** A number that was used before is that of a message that came twice. */
  #isNew(id: number): boolean {
    if (!(Number.isSafeInteger(id) && id > this.#last)) return false;
    this.#last = id;
    return true;
  }

  #welcome(): void {
    const { definitions, config, tells } = this.#terms;
    const { missingUpdate = "throw" } = this.#limits as { missingUpdate?: "throw" | "charge" };
    this.#outbox.say(TELL.WELCOME, VERSION, definitions, config, missingUpdate, !tells);
  }

  /** The peer holds a lock while it lives: if it is to be seen from here. */
  #watch(lock: unknown): void {
    if (typeof lock !== "string" || this.#locked) return;
    this.#locked = true;
    whenLost(lock, () => this.end(undefined)).then((seen) => {
      if (seen) this.#life.stop();
    });
  }

  #acquire(id: number, around: unknown, packed: unknown, timeoutMs: unknown): void {
    const requested = unpack(packed, this.#limits.keys);
    const limits = around === 0 ? this.#limits : this.#entries.get(around as number)?.held;
    if (!requested || !(timeoutMs === null || typeof timeoutMs === "number")) {
      this.#fail(id, new InvalidRequestError("the host cannot read the request"));
    } else if (!limits) {
      this.#fail(id, new AcquisitionReleasedError("acquire()", "released"));
    } else {
      const controller = this.#controllers.pop() ?? new AbortController();
      const entry: Entry<K> = { controller, held: undefined };
      this.#enter(id, entry);
      const { signal } = controller;
      limits.acquire(requested as never, { timeoutMs: timeoutMs ?? undefined, signal }).then(
        (acquisition) => this.#grant(id, entry, acquisition),
        (error) => {
          this.#lay(entry);
          if (!this.#leave(id, entry)) return;
          if (signal.aborted && error === signal.reason) this.#outbox.say(TELL.CANCELLED, id);
          else this.#fail(id, error);
        },
      );
    }
  }

  async #try(id: number, packed: unknown): Promise<void> {
    const requested = unpack(packed, this.#limits.keys);
    const entry: Entry<K> = { controller: undefined, held: undefined };
    this.#enter(id, entry);
    try {
      if (!requested) throw new InvalidRequestError("the host cannot read the request");
      const answer = this.#limits.tryAcquire(requested as never);
      const acquisition = isPromise(answer) ? await answer : answer;
      if (acquisition.successful) {
        this.#grant(id, entry, acquisition);
      } else if (this.#leave(id, entry)) {
        const { retryAfterMs, limitedBy } = acquisition;
        const wait = retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs;
        const by = limitedBy.map((key) => this.#limits.keys.indexOf(key));
        this.#outbox.say(TELL.REFUSED, id, wait, by);
      }
    } catch (error) {
      if (this.#leave(id, entry)) this.#fail(id, error);
    }
  }

  #grant(id: number, entry: Entry<K>, acquisition: Acquisition<K>): void {
    if (this.#entries.get(id) !== entry) {
      // The peer has gone meanwhile.
      settle(acquisition, undefined);
      return;
    }
    entry.held = acquisition;
    this.#lay(entry);
    this.#outbox.say(TELL.GRANTED, id);
  }

  #cancel(id: number): void {
    const entry = this.#entries.get(id);
    // One that is held has been granted before this came: the peer will know by now.
    if (!entry?.held) entry?.controller?.abort();
  }

  #release(id: number, packed: unknown): void {
    const entry = this.#entries.get(id);
    if (!entry?.held) return;
    this.#leave(id, entry);
    settle(entry.held, unpack(packed, this.#limits.keys));
  }

  async #stats(id: number): Promise<void> {
    try {
      const stats: Readonly<Record<string, LimitStats>> = await this.#limits.stats();
      const rows = this.#limits.keys.map((key) => {
        const { retryAfterMs, ...row } = stats[key]!;
        return { ...row, retryAfterMs: retryAfterMs === Number.POSITIVE_INFINITY ? null : retryAfterMs };
      });
      this.#outbox.say(TELL.STATS, id, rows);
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** Keeps the controller of an entry for the next. */
  #lay(entry: Entry<K>): void {
    const { controller } = entry;
    entry.controller = undefined;
    if (controller && !controller.signal.aborted && this.#controllers.length < MOST_SPARE) {
      this.#controllers.push(controller);
    }
  }

  #fail(id: number, error: unknown): void {
    this.#outbox.say(TELL.FAILED, id, packError(error));
  }

  #enter(id: number, entry: Entry<K>): void {
    this.#entries.set(id, entry);
    if (!this.#terms.tells) this.#life.watch(true);
  }

  /** False if it was out already. */
  #leave(id: number, entry: Entry<K>): boolean {
    if (this.#entries.get(id) !== entry) return false;
    this.#entries.delete(id);
    if (this.#entries.size === 0) this.#life.watch(false);
    return true;
  }
}

/** Releases, with what was used; what makes no sense, or is missing, is charged in full. */
function settle<K extends string>(
  acquisition: Acquisition<K>,
  usage: Record<string, number> | undefined,
): void {
  for (const step of [() => usage && acquisition.update(usage as never), () => acquisition.release()]) {
    try {
      // Remote sets may answer later, whatever their types say.
      const done: unknown = step();
      if (isPromise(done)) done.then(undefined, () => {});
    } catch {
      // A release settles all even if usage is missing.
    }
  }
}

function isPromise<T>(value: T): value is T & PromiseLike<Awaited<T>> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}

function sendable(config: Readonly<Record<string, unknown>>): unknown {
  try {
    return structuredClone(config);
  } catch (error) {
    throw new CannotShareError(
      `its config cannot be sent: ${error instanceof Error ? error.message : error}`,
    );
  }
}
