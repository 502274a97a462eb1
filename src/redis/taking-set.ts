/** The methods of a set on a server, and of its views, that take, read and change: each is asked of the server. */
import { runOn } from "../acquisition/acquisition.ts";
import { deadlockOf } from "../acquisition/bodies.ts";
import type { AcquireOptions, Amounts, Awaitable, LimitView, Prospect } from "../contract.ts";
import { LimitSetClosedError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import { checkRequestOptions } from "../limits/options.ts";
import type { LimitStats } from "../limits/stats.ts";
import { HandingOn, type SentChange } from "../remote/changes.ts";
import type { StandIn } from "./away.ts";
import { operationOf } from "./changes.ts";
import type { Conversation } from "./conversation.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import type { Place, Places, Request } from "./place.ts";
import type { RedisQueue } from "./queue.ts";
import { prospectOf } from "./refusing.ts";
import type { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import { statsOf } from "./stats.ts";
import type { Totals } from "./totals.ts";

/** The parts of a set that its requests go through, and those of its views. */
export interface TakingParts<K extends string> {
  readonly settings: Settings<K>;
  readonly conversation: Conversation;
  readonly sessions: Sessions<K>;
  readonly queue: RedisQueue<K>;
  readonly totals: Totals;
  readonly standIn: StandIn<K> | undefined;
}

export abstract class TakingSet<K extends string> extends HandingOn<K, K, Promise<void>> {
  /** @internal */
  protected abstract readonly parts: TakingParts<K>;
  /** @internal The places of a view. */
  protected readonly places: Places | undefined = undefined;

  /** The keys of the limits, in the order of their definition. */
  get keys(): readonly K[] {
    return this.parts.settings.requests.keys;
  }

  /** What the set was made with, frozen. */
  get config(): Readonly<Record<string, unknown>> {
    return this.parts.settings.config;
  }

  /** What a release does about a RateLimit whose usage was not reported. */
  get missingUpdate(): "throw" | "charge" {
    return this.parts.settings.missingUpdate;
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** How many requests of this process wait for their turn, or for their answer; for whatever partition of the set. */
  get waiting(): number {
    return this.parts.queue.waiting;
  }

  /**
   * Takes the amounts named, plus 1 of every CallLimit and ResourceLimit not named; waits for its turn if need be.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or an amount that could never be granted.
   * @throws {AcquireTimeoutError} if not granted within `timeoutMs`.
   * @throws {WaitTooLongError} if it is known to wait for longer than `maxWaitMs`.
   * @throws {QueueFullError} if `maxWaiting` requests of this process wait already.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`. A request that waits already waits on.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {DefinitionMismatchError} if another version of this library has written the limits on the server.
   * @throws {LimitSetClosedError} if the set is closed, also while waiting.
   * @throws the signal's reason if it aborts.
   * @example
   * const acquisition = await limits.acquire({ tokens: 500 }, { timeoutMs: 10_000 });
   * acquisition.requested; // { tokens: 500 }
   */
  acquire(requested?: Amounts<K>, options?: AcquireOptions): Promise<RedisAcquisition<K, K>> {
    return acquireIn(this.parts, this.places, requested, options, undefined);
  }

  /**
   * Takes now or not at all. Never delays a waiter of this process.
   *
   * @throws {InvalidRequestError} for an unknown key, a value that is no amount, or an amount that could never be granted.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {DefinitionMismatchError} if another version of this library has written the limits on the server.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * const tried = await limits.tryAcquire({ tokens: 500 });
   * tried.successful ? "go" : `again in ${tried.retryAfterMs} ms`; // "go"
   */
  async tryAcquire(requested?: Amounts<K>): Promise<RedisAcquisition<K, K>> {
    const { sessions, queue } = this.parts;
    const request = this.#requestOf(requested);
    const { units, place } = request;
    const session = sessions.current;
    if (units.every((count) => count === 0)) return session.grant(units, 0, undefined, 0, place);
    const standIn = standingIn(this.parts);
    if (standIn) return standIn.try(request, session);
    return queue.enqueue(request, true);
  }

  /**
   * Tells what `tryAcquire` would answer now, and takes nothing.
   *
   * @throws all that `tryAcquire` throws.
   * @example
   * (await limits.peek({ tokens: 500 })).successful; // true
   */
  async peek(requested?: Amounts<K>): Promise<Prospect<K>> {
    const { parts } = this;
    const request = this.#requestOf(requested);
    if (request.units.every((count) => count === 0))
      return { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    try {
      return standingIn(parts)?.peek(request) ?? (await this.#peek(requested));
    } catch (error) {
      check(parts);
      const standIn = standingIn(parts);
      if (!standIn) throw error;
      return standIn.peek(request);
    }
  }

  /**
   * Acquires, runs `body`, releases. Rejects with the error that the body throws; otherwise, if usage is missing, with that error.
   *
   * @throws as `acquire` does.
   * @throws {UsageNotReportedError} if the body has not reported the usage of a RateLimit, unless `missingUpdate` is `"charge"`.
   * @example
   * await limits.run({ tokens: 500 }, async (acquisition) => {
   *   const answer = await callApi({ signal: acquisition.signal });
   *   acquisition.update({ tokens: answer.tokensUsed });
   *   return answer.text;
   * }); // the answer's text
   */
  run<T>(
    requested: Amounts<K> | undefined,
    body: (acquisition: RedisAcquisition<K, K>) => Awaitable<T>,
    options?: AcquireOptions,
  ): Promise<T> {
    return runOn(this, requested, body, options);
  }

  /**
   * The state of all limits, at one moment. `waiting` counts this process only. Reading changes nothing.
   *
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   * @throws {BackendRefusedError} if the server refuses: a right, a password or a command is missing.
   * @throws {LimitSetClosedError} if the set is closed.
   * @example
   * (await limits.stats()).tokens.available; // 89_500
   */
  async stats(): Promise<Readonly<Record<K, LimitStats>>> {
    const { settings, queue, totals } = this.parts;
    check(this.parts);
    if (this.keys.length === 0) return Object.freeze({}) as Record<K, LimitStats>;
    const placeOf = () => this.#place;
    return queue.readings.read(placeOf, (answer) => {
      const [{ limits }, place] = [this.#era, this.#place];
      const waitingFor = (index: number) =>
        queue.lines.waitingFor(index, place?.wards[index] === undefined ? undefined : { units: [], place });
      return statsOf(answer, { ...settings, limits }, waitingFor, totals);
    });
  }

  /**
   * The definition of one limit, and its `stats()`.
   *
   * @throws {InvalidRequestError} for an unknown key.
   * @example
   * limits.get("tokens").capacity; // 90_000
   */
  get(key: K): LimitView<Promise<LimitStats>> {
    const { limits, requests } = this.#era;
    const limit = limits[requests.indexOf(key)]!;
    return Object.freeze({ ...limit, stats: async () => (await this.stats())[key] });
  }

  /**
   * @internal
   * @throws {InvalidRequestError} as a `LimitSet` does.
   * @throws {BackendUnavailableError} if the server does not answer within `deadlineMs`.
   */
  protected async handOn(change: SentChange): Promise<void> {
    const { settings, conversation, queue, totals } = this.parts;
    check(this.parts);
    const operation = () => operationOf(change, this.#era, settings, this.#place);
    if (operation().isEmpty) return;
    await queue.readings.change(
      () => {
        const { text, isEmpty } = operation();
        return isEmpty ? () => "." : text;
      },
      () => this.#place,
      change[0] === "charge",
      () => {
        for (const [i, units] of (operation().charged ?? []).entries()) totals.moved(i, units, "charged");
        const { paused } = operation();
        if (paused)
          queue.lines.paused(settings.definitions.heeded(paused.values), paused.untilAt, this.#place);
        else queue.lines.disturbAll();
        conversation.send();
      },
    );
  }

  /** The place of a view in the present era; undefined for the set. */
  get #place(): Place | undefined {
    return this.places?.in(this.parts.settings.era as unknown as Era);
  }

  /** The present era, with the limits as they are in the tier of a view. */
  get #era(): Era<K> {
    return (this.#place?.era as unknown as Era<K> | undefined) ?? this.parts.settings.era;
  }

  #requestOf(requested: Amounts<K> | undefined): Request {
    check(this.parts);
    return requestOf(this.parts, this.places, requested);
  }

  async #peek(requested: Amounts<K> | undefined): Promise<Prospect<K>> {
    const { queue } = this.parts;
    const ask = () => requestOf(this.parts, this.places, requested);
    return prospectOf(await queue.readings.peek(ask, () => queue.lines), this.keys);
  }
}

/** Acquires in the partitions of a view, or of the set; with `covered` limits that the acquisitions around hold. */
export async function acquireIn<K extends string>(
  parts: TakingParts<K>,
  places: Places | undefined,
  requested: Amounts<K> | undefined,
  options: AcquireOptions | undefined,
  covered: readonly boolean[] | undefined,
): Promise<RedisAcquisition<K, K>> {
  check(parts);
  const { settings, sessions, queue } = parts;
  const session = sessions.current;
  const request = requestOf(parts, places, requested, covered);
  const { units, place } = request;
  const timeoutMs = checkRequestOptions(options);
  if (units.every((count) => count === 0)) return session.grant(units, 0, covered, 0, place);
  const standIn = standingIn(parts);
  if (standIn) return standIn.acquire(request, options, session);
  if (timeoutMs !== 0) {
    const requests = place?.era.requests ?? settings.requests;
    const warning = deadlockOf(settings.requests, requests, request);
    if (warning) settings.onWarning(warning);
  }
  return queue.enqueue(request, timeoutMs === 0, options);
}

function requestOf<K extends string>(
  { settings }: TakingParts<K>,
  places: Places | undefined,
  requested: Amounts<K> | undefined,
  covered?: readonly boolean[],
): Request {
  const place = places?.in(settings.era as unknown as Era);
  const requests = place?.era.requests ?? settings.requests;
  const units = covered ? requests.parseNested(requested, covered) : requests.parse(requested);
  return { units, covered, place };
}

/** Stands in for the server if that is away; asks whether it is back. */
function standingIn<K extends string>({ standIn, conversation }: TakingParts<K>): StandIn<K> | undefined {
  if (!standIn || !conversation.isAway || conversation.isRefused) return undefined;
  conversation.send();
  return standIn;
}

/** @throws {LimitSetClosedError} */
function check<K extends string>({ sessions }: TakingParts<K>): void {
  if (sessions.isEnded) throw new LimitSetClosedError();
}
