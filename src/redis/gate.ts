/** The set, as its queue sees it: turns the server's answers, or their absence, into acquisitions, refusals and errors. */
import type { Denial } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import {
  AcquireTimeoutError,
  BackendRefusedError,
  type LimitError,
  QueueFullError,
  WaitTooLongError,
} from "../errors.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { StandIn } from "./away.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import type { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import type { Settlements } from "./settlements.ts";
import type { Totals } from "./totals.ts";
import type { Waiter } from "./waiter.ts";

export class RedisGate<K extends string> {
  readonly #settings: Settings<K>;
  readonly #sessions: Sessions<K>;
  readonly #settlements: Settlements<K>;
  readonly #totals: Totals;
  readonly #standIn: StandIn<K> | undefined;

  constructor(
    settings: Settings<K>,
    sessions: Sessions<K>,
    settlements: Settlements<K>,
    totals: Totals,
    standIn: StandIn<K> | undefined,
  ) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#settlements = settlements;
    this.#totals = totals;
    this.#standIn = standIn;
  }

  /** The acquisition of a request that was granted as `token`, and that some limits let pass; undefined once the set is closed. */
  grant(
    waiter: Pick<Waiter, "request" | "waitedMs">,
    token: number,
    passed: readonly number[],
  ): RedisAcquisition<K, K> | undefined {
    if (this.#sessions.isEnded) return undefined;
    const { units, covered, place } = waiter.request;
    const taken = passed.length > 0 ? units.map((count, i) => (passed.includes(i) ? -count : count)) : units;
    const acquisition = this.#sessions.current.grant(taken, token, covered, waiter.waitedMs, place);
    this.#totals.granted(taken);
    this.#sessions.renewal.watch();
    return acquisition;
  }

  /** Gives back a request that was granted as `token`, after its waiter had left. */
  undo({ request }: Waiter, token: number, passed: readonly number[]): void {
    if (this.#sessions.isEnded) return;
    const back = request.units.map((count, i) => (passed.includes(i) ? 0 : -count));
    this.#settlements.add(this.#sessions.current, back, token, request.place);
  }

  /** The answer to a try that was refused. */
  refusal(outlook: Outlook): RedisAcquisition<K, K> {
    const { limitedBy, retryAfterMs, ahead } = outlook;
    this.#totals.refused(outlook);
    const denial: Denial<K> = {
      config: this.#settings.config,
      limitedBy: Object.freeze(this.#named(limitedBy)),
    };
    return new LeasedRefusal<K>(denial, retryAfterMs, ahead);
  }

  /** The error for a waiter whose timeout has passed. */
  timeout({ request, timeoutMs }: Waiter, outlook: Outlook): AcquireTimeoutError {
    const { limitedBy, retryAfterMs, ahead } = outlook;
    this.#totals.ended(request.units, "timedOut");
    return new AcquireTimeoutError(timeoutMs, this.#named(limitedBy), retryAfterMs, ahead);
  }

  /** The signal of a waiter has ended its wait. */
  aborted({ request }: Waiter): void {
    this.#totals.ended(request.units, "aborted");
  }

  /** The error for a request that must not wait, because that would take too long or the line is full; undefined if it may. */
  turnedAway(outlook: Outlook, maxWaitMs: number, isFull: boolean): Error | undefined {
    const { limitedBy, retryAfterMs, knownMs, ahead } = outlook;
    if (knownMs <= maxWaitMs && !isFull) return undefined;
    this.#totals.refused(outlook);
    const named = this.#named(limitedBy);
    if (knownMs > maxWaitMs) return new WaitTooLongError(maxWaitMs, named, knownMs, ahead);
    return new QueueFullError(this.#settings.maxWaiting!, named, retryAfterMs, ahead);
  }

  /** The server does not answer, because of `error`: settles the waiter's promise, or returns false if it should wait on. */
  unanswered(waiter: Waiter, error: LimitError): boolean {
    const isRefused = error instanceof BackendRefusedError;
    if (this.#standIn && !isRefused) {
      this.#askStandIn(this.#standIn, waiter).then(
        waiter.resolve as (value: RedisAcquisition<K, K>) => void,
        waiter.reject,
      );
      return true;
    }
    if (waiter.hasWaited && !isRefused) return false;
    waiter.reject(error);
    return true;
  }

  async #askStandIn(standIn: StandIn<K>, waiter: Waiter): Promise<RedisAcquisition<K, K>> {
    const { request, isOnce, timeoutMs, deadline, signal } = waiter;
    const session = this.#sessions.current;
    if (isOnce && timeoutMs !== 0) return standIn.try(request, session);
    const leftMs = isOnce ? 0 : Math.max(0, deadline - this.#settings.clock.now());
    return standIn.acquire(request, { timeoutMs: leftMs, signal }, session);
  }

  /** Limits by their keys. */
  #named(limits: readonly number[]): K[] {
    return limits.map((index) => this.#settings.requests.keys[index]!);
  }
}
