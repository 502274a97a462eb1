/** A set of limits on a Redis or Valkey server, for many machines. */

import type { Limits, PartitionNames, ViewOptions } from "../contract.ts";
import { LimitSetClosedError } from "../errors.ts";
import type { RedefineOptions, Redefinition } from "../limits/era.ts";
import { NAMELESS } from "../limits/partition-names.ts";
import { standIn } from "./away.ts";
import { Batches } from "./batches.ts";
import { Conversation } from "./conversation.ts";
import { RedisGate } from "./gate.ts";
import { Notifier } from "./notifier.ts";
import { type OpenPart, totalsOf } from "./open-part.ts";
import type { RedisLimitSetOptions } from "./options.ts";
import { PART } from "./part.ts";
import type { Place } from "./place.ts";
import { RedisQueue } from "./queue.ts";
import { type RedisLimitSetView, viewOf } from "./redis-limit-set-view.ts";
import { Releases } from "./releases.ts";
import { renew } from "./renewing.ts";
import type { Session } from "./session.ts";
import { Sessions } from "./sessions.ts";
import { settingsOf } from "./settings.ts";
import { Settlements } from "./settlements.ts";
import { acquireIn, type TakingParts, TakingSet } from "./taking-set.ts";
import { Totals } from "./totals.ts";

/**
 * Rate limits, call limits and resource limits on a server, taken from together: all or nothing, in one call.
 *
 * @throws {InvalidLimitError} if a definition or an option makes no sense.
 * @throws {InvalidRequestError} if `client` is no client of a known library.
 * @example
 * const limits = new RedisLimitSet({
 *   name: "openai",
 *   limits: [new RateLimit({ key: "tokens", capacity: 90_000, windowMs: 60_000 })],
 *   client: new Redis(),
 * });
 * (await limits.acquire({ tokens: 500 })).requested; // { tokens: 500 }
 */
export class RedisLimitSet<K extends string = string> extends TakingSet<K> implements Limits<K> {
  /** The name of the set on the server. */
  readonly name: string;
  /** @internal */
  protected readonly parts: TakingParts<K>;
  readonly #notifier: Notifier;
  readonly #settlements: Settlements<K>;
  readonly #batches: Batches<K>;
  #closed: Promise<void> | undefined;

  constructor(options: RedisLimitSetOptions<K>) {
    super();
    const settings = settingsOf(options);
    const { client, server } = settings;
    this.name = settings.name;
    this.#notifier = Notifier.of(client, server);
    const conversation = new Conversation(settings, server.pulse);
    const sessions = new Sessions<K>(settings, conversation, {
      settle: (session, due, token, place) => this.#settle(session, due, token, place),
      acquireNested: (requested, nestedOptions, covered, places) =>
        acquireIn(this.parts, places, requested, nestedOptions, covered),
    });
    const totals = new Totals(settings.limits.length);
    const settlements = new Settlements(settings, totals, sessions, conversation);
    const taking = { settings, conversation, sessions, totals, standIn: standIn(settings) };
    const gate = new RedisGate(settings, sessions, settlements, totals, taking.standIn);
    const releases = new Releases(this.#notifier, settings, sessions);
    const queue = new RedisQueue(settings, conversation, gate, releases);
    this.parts = { ...taking, queue };
    this.#settlements = settlements;
    const parts = { conversation, sessions, settlements, queue, releases };
    const renewed = { ...this.parts, settlements };
    this.#batches = new Batches(settings, { ...parts, renew: (before) => renew(renewed, before) });
    conversation.begin(this.#batches);
  }

  /**
   * A view of the set, which takes from the limits of all, and from those of the partitions that it names. Without names it is the set. A name
   * that is `null` leaves the limits of its dimension out.
   *
   * @throws {InvalidRequestError} for a dimension or a tier that no limit has, and for a name that is no string.
   * @example
   * const limits = new RedisLimitSet({
   *   name: "per user",
   *   limits: [new CallLimit({ capacity: 2, windowMs: 1000, per: "user" })],
   *   client: new Redis(),
   * });
   * (await limits.for({ user: "alice" }).tryAcquire()).successful; // true
   */
  for(names: PartitionNames, options: ViewOptions = {}): RedisLimitSetView<K> {
    // The set has all that a view has.
    return viewOf(this, this, this.parts, NAMELESS, names, options) as RedisLimitSetView<K>;
  }

  /**
   * Ends the set in this process: waiters reject with `LimitSetClosedError`, and the resources that it holds come back.
   * Resolves when the server knows, or has not answered within `deadlineMs`. The client stays open. Again: does nothing.
   *
   * @example
   * await limits.close(); // undefined
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  /**
   * Gives the set other limits, for all processes that share it. What is used of a limit stays used under its new definition. Open
   * acquisitions go on, and so do waiters: those that could never pass reject with `InvalidRequestError`. A bad definition changes nothing.
   *
   * @param limits All limits that the set has from now on, or a function that makes them of the present ones. The function is called
   * again if another process redefines the set in between.
   * @throws {InvalidLimitError} if a definition is out of bounds, or two limits have the same key.
   * @throws {InvalidRequestError} if an option makes no sense.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * await limits.redefine((current) => current.map((limit) => ({ ...limit, capacity: 2 * limit.capacity })));
   * limits.get("tokens").capacity; // 180_000
   */
  async redefine(limits: Redefinition, options: RedefineOptions = {}): Promise<void> {
    if (this.parts.sessions.isEnded) throw new LimitSetClosedError();
    await this.#batches.redefine(limits, options);
  }

  /** @internal What a set that is spread has to know of a part. */
  [PART](): OpenPart<K> {
    const { settings, totals } = this.parts;
    return {
      parts: this.parts,
      era: settings.era,
      bring: (era) =>
        this.#batches.redefine(era.limits, { inherit: era.inherit ?? "used", version: era.version }, true),
      totals: () => totalsOf(settings.limits, totals),
    };
  }

  #settle(session: Session<K>, due: readonly number[], token: number, place: Place | undefined): void {
    this.#settlements.add(session, due, token, place);
  }

  async #close(): Promise<void> {
    this.parts.sessions.end();
    this.parts.queue.close(new LimitSetClosedError());
    this.parts.standIn?.close();
    await this.#batches.end();
    this.#notifier.retire();
  }
}
