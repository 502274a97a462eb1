/** The set, as its queue sees it: turns the server's answers, or their absence, into acquisitions, refusals and errors. */
import type { Denial } from "../acquisition/acquisition.ts";
import { LeasedRefusal } from "../acquisition/leased.ts";
import { AcquireTimeoutError, BackendRefusedError, type LimitError } from "../errors.ts";
import type { StandIn } from "./away.ts";
import type { Refusing } from "./refusing.ts";
import type { RedisAcquisition } from "./session.ts";
import type { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import type { Settlements } from "./settlements.ts";
import type { Waiter } from "./waiter.ts";

export class RedisGate<K extends string> {
  readonly #settings: Settings<K>;
  readonly #sessions: Sessions<K>;
  readonly #settlements: Settlements<K>;
  readonly #standIn: StandIn<K> | undefined;

  constructor(
    settings: Settings<K>,
    sessions: Sessions<K>,
    settlements: Settlements<K>,
    standIn: StandIn<K> | undefined,
  ) {
    this.#settings = settings;
    this.#sessions = sessions;
    this.#settlements = settlements;
    this.#standIn = standIn;
  }

  /** The acquisition of a request that was granted as `token`; undefined once the set is closed. */
  grant(waiter: Waiter<RedisAcquisition<K, K>>, token: number): RedisAcquisition<K, K> | undefined {
    if (this.#sessions.isEnded) return undefined;
    const { units, covered } = waiter.request;
    const acquisition = this.#sessions.current.grant(units, token, covered, waiter.waitedMs);
    this.#sessions.renewal.watch();
    return acquisition;
  }

  /** Gives back a request that was granted as `token`, after its waiter had left. */
  undo({ request }: Waiter<RedisAcquisition<K, K>>, token: number): void {
    if (this.#sessions.isEnded) return;
    const back = request.units.map((count) => -count);
    this.#settlements.add(this.#sessions.current, back, token);
  }

  /** The answer to a try that was refused. */
  refusal({ limitedBy, retryAfterMs, ahead }: Refusing): RedisAcquisition<K, K> {
    const denial: Denial<K> = {
      config: this.#settings.config,
      limitedBy: Object.freeze(this.#named(limitedBy)),
    };
    return new LeasedRefusal<K>(denial, retryAfterMs, ahead);
  }

  /** The error for a waiter whose timeout has passed. */
  timeout({ timeoutMs }: Waiter<RedisAcquisition<K, K>>, refusing: Refusing): AcquireTimeoutError {
    const { limitedBy, retryAfterMs, ahead } = refusing;
    return new AcquireTimeoutError(timeoutMs, this.#named(limitedBy), retryAfterMs, ahead);
  }

  /** The server does not answer, because of `error`: settles the waiter's promise, or returns false if it should wait on. */
  unanswered(waiter: Waiter<RedisAcquisition<K, K>>, error: LimitError): boolean {
    const isRefused = error instanceof BackendRefusedError;
    if (this.#standIn && !isRefused) {
      this.#askStandIn(this.#standIn, waiter).then(waiter.resolve, waiter.reject);
      return true;
    }
    if (waiter.hasWaited && !isRefused) return false;
    waiter.reject(error);
    return true;
  }

  async #askStandIn(
    standIn: StandIn<K>,
    waiter: Waiter<RedisAcquisition<K, K>>,
  ): Promise<RedisAcquisition<K, K>> {
    const { request, isOnce, timeoutMs, deadline, signal } = waiter;
    const session = this.#sessions.current;
    if (isOnce && timeoutMs !== 0) return standIn.try(request.units, session);
    const leftMs = isOnce ? 0 : Math.max(0, deadline - this.#settings.clock.now());
    return standIn.acquire(request.units, { timeoutMs: leftMs, signal }, session);
  }

  /** Limits by their keys. */
  #named(limits: readonly number[]): K[] {
    return limits.map((index) => this.#settings.requests.keys[index]!);
  }
}
