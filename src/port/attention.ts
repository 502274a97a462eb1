/**
 * The attention that a connection pays to its host: it keeps the process alive while it waits for an answer, and its heartbeat runs
 * while the host's end would cost this side something.
 */
import { soon } from "../platform/soon.ts";
import { tells, type WatchedEndpoint } from "./endpoint.ts";
import type { Heartbeat } from "./heartbeat.ts";
import type { Holdings } from "./holdings.ts";
import type { Questions } from "./questions.ts";

/** The parts of a connection that decide how much attention it pays. */
interface Attentive {
  readonly endpoint: WatchedEndpoint;
  readonly heartbeat: Heartbeat;
  readonly questions: Questions;
  readonly holdings: Holdings;
  /** Whether the host has answered. */
  readonly isKnown: () => boolean;
  readonly hasEnded: () => boolean;
}

export class Attention {
  readonly #connection: Attentive;
  #needsHeartbeat = true;
  #isReviewDue = false;

  constructor(connection: Attentive) {
    this.#connection = connection;
  }

  /** The host has said whether it wants heartbeats. */
  learn(wantsHeartbeat: boolean): void {
    this.#needsHeartbeat = wantsHeartbeat || !tells(this.#connection.endpoint);
  }

  /** Called when a question or an acquisition has begun or ended. It looks once for all of this turn. */
  reviewSoon(): void {
    if (this.#isReviewDue) return;
    this.#isReviewDue = true;
    soon(() => {
      this.#isReviewDue = false;
      this.#review();
    });
  }

  #review(): void {
    const { endpoint, heartbeat, questions, holdings, isKnown, hasEnded } = this.#connection;
    if (hasEnded()) return;
    const waits = !isKnown() || questions.size > 0;
    heartbeat.watch(this.#needsHeartbeat && isKnown() && (waits || holdings.some));
    // Who asked for a signal wants to hear of the loss.
    endpoint.hold?.(waits || holdings.someWatched || heartbeat.isAwaiting);
  }
}
