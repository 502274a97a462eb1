/**
 * The handshake: a peer says `HELLO` until the host has answered. It gives up when the platform shows that no answer will come, and
 * when the deadline is over.
 */
import type { LimitError } from "../errors.ts";
import { BackendUnavailableError } from "../errors.ts";
import { reasonOf } from "../platform/aborted.ts";
import { LONGEST_TIMER_MS, systemClock, unref } from "../platform/clock.ts";
import { inNextTurn } from "../platform/next-turn.ts";
import { type PromiseWithResolvers, withResolvers } from "../platform/resolvers.ts";
import { whenAborted } from "../waiting/aborts.ts";
import type { Trouble } from "./trouble.ts";

// A host whose greetings earlier connections have not read answers only after a pause.
const FIRST_PAUSE_MS = 1_000;

/** How long the host may still take to answer once it is in trouble: it may have caught itself. */
const TROUBLE_MS = 1_000;

// Connecting takes a moment, so a request with a shorter timeout than this still waits for it.
const LEAST_PATIENCE_MS = 1_000;

/** The actions of a connection that a handshake calls. */
interface HandshakeInit {
  /** How long the host may take to answer, in milliseconds. */
  readonly deadlineMs: number;
  /** Says `HELLO`. */
  readonly say: () => void;
  readonly failed: (why: string, cause: unknown) => void;
}

/** `F` is the facts that the host answers with. */
export class Handshake<F> {
  readonly #init: HandshakeInit;
  readonly #welcome: PromiseWithResolvers<void> = withResolvers<void>();
  #facts: F | undefined;
  #error: LimitError | undefined;
  /** How long the host may still take, when the present pause is over. */
  #leftMs: number;
  #trouble: Trouble | undefined;
  #timer: unknown;

  constructor(init: HandshakeInit) {
    this.#init = init;
    this.#leftMs = init.deadlineMs;
    // Each later call rejects with the same error, so this rejection need not be handled.
    this.ready.catch(() => {});
  }

  get ready(): Promise<void> {
    return this.#welcome.promise;
  }

  /** The host's answer, once it has come. */
  get facts(): F | undefined {
    return this.#facts;
  }

  /** The trouble in which the host was while it had not answered. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /** Says `HELLO` at once, and again after pauses that double. */
  begin(): void {
    this.#repeat(FIRST_PAUSE_MS);
  }

  /** The platform shows that the host is in trouble. */
  doubt(trouble: Trouble): void {
    if (this.#isOver) return;
    this.#trouble ??= trouble;
    if (trouble.isFinal) {
      this.#init.failed(trouble.why, trouble.cause);
    } else if (this.#trouble === trouble) {
      systemClock.clearTimeout(this.#timer);
      this.#leftMs = TROUBLE_MS;
      this.#repeat(TROUBLE_MS);
    }
  }

  /** The host has answered. */
  learn(facts: F): void {
    this.#facts = facts;
    this.#trouble = undefined;
    systemClock.clearTimeout(this.#timer);
    this.#welcome.resolve();
  }

  /** The connection has ended, for this reason. */
  end(error: LimitError): void {
    this.#error = error;
    systemClock.clearTimeout(this.#timer);
    this.#welcome.reject(error);
  }

  /** @throws if the host has not answered. */
  known(): F {
    if (this.#facts) return this.#facts;
    throw this.#error ?? new BackendUnavailableError("the host has not answered yet: await limits.ready");
  }

  /** The facts, once the host has sent them. Rejects when the signal aborts or the time is over. */
  async whenKnown(signal?: AbortSignal, timeoutMs = Number.POSITIVE_INFINITY): Promise<F> {
    const { promise, reject } = withResolvers<void>();
    const ms = Math.max(timeoutMs, LEAST_PATIENCE_MS);
    const late = () => reject(new BackendUnavailableError(`the host has not answered within ${ms} ms`));
    const timer = ms <= LONGEST_TIMER_MS ? systemClock.setTimeout(() => inNextTurn(late), ms) : undefined;
    const stopListening = signal && whenAborted(signal, () => reject(reasonOf(signal)));
    try {
      await Promise.race([this.ready, promise]);
    } finally {
      stopListening?.();
      if (timer !== undefined) systemClock.clearTimeout(timer);
    }
    return this.known();
  }

  get #isOver(): boolean {
    return this.#facts !== undefined || this.#error !== undefined;
  }

  #repeat(pauseMs: number): void {
    const ms = Math.min(pauseMs, this.#leftMs, LONGEST_TIMER_MS);
    this.#leftMs -= ms;
    this.#init.say();
    this.#timer = systemClock.setTimeout(() => {
      if (this.#leftMs > 0) this.#repeat(2 * pauseMs);
      // The answer may have arrived while the event loop was blocked.
      else inNextTurn(() => this.#giveUp());
    }, ms);
    // The timer alone must not keep the process alive.
    unref(this.#timer);
  }

  #giveUp(): void {
    if (this.#isOver) return;
    const { why = `the host has not answered within ${this.#init.deadlineMs} ms`, cause } =
      this.#trouble ?? {};
    this.#init.failed(why, cause);
  }
}
