/** The side that has the limits. */

import { checkLease } from "../acquisition/leased.ts";
import type { Awaitable } from "../contract.ts";
import { type LimitLike, toLimits } from "../limits/limits.ts";
import { checkMissingUpdate } from "../limits/options.ts";
import { type Clock, systemClock } from "../platform/clock.ts";
import { packError } from "../remote/packed-errors.ts";
import { Host } from "./host.ts";
import { DurableObject, RpcTarget } from "./platform.ts";
import type { Ask, Described, Failed, Inspected, Named, Outcome } from "./protocol.ts";
import { Shelf } from "./shelf.ts";

/** What the set of an object is made with. */
export interface LimitSetObjectOptions<K extends string = string> {
  /** The limits to take from together. Default: none, so that everything passes. */
  readonly limits?: readonly LimitLike<K>[];
  /** Whatever those who acquire should find: a model's name, say. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** What a release does about a RateLimit whose usage was not reported. Both charge it in full. Default `"throw"`. */
  readonly missingUpdate?: "throw" | "charge";
  /**
   * How long what a client holds stays taken when nothing is heard of it and nobody tells of its end, in milliseconds, from 10.
   * While it lives it is renewed, three times as often. Default 30,000.
   */
  readonly leaseMs?: number;
  /** For tests: where time comes from. */
  readonly clock?: Clock;
}

/** An object's timers are its own, unlike those of a Worker's requests: one does for all who wait. */
const ownClock: Clock = { ...systemClock };

/** A request of one client. The platform disposes of it when the client ends, however that is. */
class Ticket extends RpcTarget {
  readonly #host: Promise<Host | Failed>;
  readonly #id: string;
  readonly #outcome: Promise<Outcome>;

  constructor(host: Promise<Host | Failed>, ask: Ask) {
    super();
    this.#host = host;
    this.#id = ask.id;
    this.#outcome = host.then((known) => ("kind" in known ? known : known.enter(ask, this)));
    this.#outcome.catch(() => {}); // Whoever asks for it learns of it.
  }

  outcome(): Promise<Outcome> {
    return this.#outcome;
  }

  [Symbol.dispose](): void {
    this.#host.then((known) => "kind" in known || known.abandon(this.#id, this)).catch(() => {});
  }
}

/**
 * A Durable Object that hosts a set of limits, for all who connect to it by its name. State is kept in its storage: whenever the
 * runtime ends it, its next life goes on where it was.
 *
 * Extend it, say which limits, and export it from the Worker that the namespace is bound to. Changed limits take over what was
 * used and what is held under the same key.
 *
 * @throws {CannotHostError} outside of workerd.
 * @example
 * export class Budget extends LimitSetObject {
 *   static override limits = [new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 })];
 * }
 * // in a request
 * const limits = connectDurable<typeof Budget>(env.BUDGET, "model-api");
 * (await limits.acquire({ tokens: 500 })).requested; // { tokens: 500 }
 */
export class LimitSetObject extends DurableObject {
  /** The limits to take from together. Default: none. */
  static limits: readonly LimitLike[] = [];
  /** Whatever those who acquire should find. Default: nothing. */
  static config: Readonly<Record<string, unknown>> = {};
  /** What a release does about a RateLimit whose usage was not reported. Default `"throw"`. */
  static missingUpdate: "throw" | "charge" = "throw";
  /** How long a client that is not heard of holds what it holds, in milliseconds. Default 30,000. */
  static leaseMs = 30_000;

  /** By which the platform's types know an object that has methods to call. */
  declare readonly __DURABLE_OBJECT_BRAND: never;
  #host: Promise<Host | Failed> | undefined;

  /** What the set is made of: the static members of the class. To be overridden where limits hang on the object's name, say. */
  protected limitOptions(): Awaitable<LimitSetObjectOptions> {
    const { limits, config, missingUpdate, leaseMs } = this.constructor as typeof LimitSetObject;
    return { limits, config, missingUpdate, leaseMs };
  }

  /** @internal A request of a client. */
  enter(ask: Ask): Ticket {
    return new Ticket(this.#open(), ask);
  }

  /** @internal */
  async cancel(id: string): Promise<void> {
    const host = await this.#open();
    if (!("kind" in host)) host.cancel(id);
  }

  /** @internal */
  async release(id: string, usage: Named): Promise<void> {
    const host = await this.#open();
    if (!("kind" in host)) host.release(id, usage);
  }

  /** @internal */
  async renew(id: string): Promise<boolean> {
    const host = await this.#open();
    return !("kind" in host) && host.renew(id);
  }

  /** @internal */
  async inspect(seal: string): Promise<Inspected | Failed> {
    const host = await this.#open();
    return "kind" in host ? host : host.stats(seal);
  }

  /** @internal */
  async describe(): Promise<Described | Failed> {
    const host = await this.#open();
    return "kind" in host ? host : { kind: "facts", facts: host.facts };
  }

  /** @internal Called by the platform. One's own alarm: call this one too. */
  async alarm(): Promise<void> {
    const host = await this.#open();
    if (!("kind" in host)) host.alarm();
  }

  #open(): Promise<Host | Failed> {
    this.#host ??= this.ctx.blockConcurrencyWhile(() => this.#load());
    return this.#host;
  }

  async #load(): Promise<Host | Failed> {
    const shelf = new Shelf(this.ctx.storage);
    const kept = await shelf.load();
    try {
      const { limits = [], config = {}, missingUpdate = "throw", ...rest } = await this.limitOptions();
      const { leaseMs = 30_000, clock = ownClock } = rest;
      checkMissingUpdate(missingUpdate);
      checkLease(leaseMs);
      return new Host({ limits: toLimits(limits), config, missingUpdate, leaseMs, clock }, shelf, kept);
    } catch (error) {
      return { kind: "failed", error: packError(error) };
    }
  }
}
