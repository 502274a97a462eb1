/**
 * The conversation of one process with the server: batches, one at a time, each done exactly once. Operations that come while
 * one is on its way go with the next, so that a busy process makes fewer calls than requests, and its requests keep their order.
 * A batch has a number, and the server keeps the answer to the last one: when an answer is lost, the same batch is sent again.
 */
import { systemClock, unref } from "../platform/clock.ts";
import { soon } from "../platform/soon.ts";
import { Alarm } from "../waiting/alarm.ts";
import { isLasting } from "./client.ts";
import type { Settings } from "./settings.ts";
import { waitOf } from "./wire.ts";

/** One thing that the script is asked. */
export interface Operation {
  /** The operation as the script reads it; `undefined` once its answer is not wanted any more. */
  encode(): string | undefined;
  /** The script's answer. */
  answered(answer: string, timing: Timing): void;
  /** Failed with `error`; `undefined` means that the outcome is unknown, since the answer was lost. */
  failed(error: unknown): void;
}

/** Two times by the set's clock: when a batch was first sent, and the start of the waits in its answer. */
export interface Timing {
  readonly sentAt: number;
  readonly readAt: number;
}

/** The script's answer to a batch as a whole. */
export interface Outcome {
  readonly seq: number;
  /** Whether the server has stored the session. */
  readonly isWritten: boolean;
  /** How long until some lease may end, in milliseconds. */
  readonly dueMs: number;
}

/** This process's side of a conversation. */
export interface Speaker {
  /** The operations of the next batch, in order; empty if there are none. */
  next(): readonly Operation[];
  /** The requests that have not been sent and would fail as the last batch has; settlements stay for a later one. */
  unsent(): readonly Operation[];
  /** Calls the script. */
  call(seq: number, operations: readonly string[]): Promise<string>;
  /** The answers of a batch that was first sent at `sentAt` have come. */
  arrived(sentAt: number, outcome: Outcome): Timing;
  /** All operations of the batch have been told their answers. `wasInterrupted`: the connection had failed meanwhile. */
  told(timing: Timing, outcome: Outcome, wasInterrupted: boolean): void;
  /** The script has done nothing. Returns the error; or undefined if the batch is to be sent again, in a new session. */
  refused(answer: string): Error | undefined;
  /**
   * An answer is missing: gives up all that was asked before `askedBefore`, by the platform's clock. Returns when the
   * oldest of the rest was asked, Infinity if there is none.
   */
  missing(askedBefore: number): number;
  /** The connection has failed. */
  interrupted(): void;
  /** Whether there is more to ask than the present batch does. */
  readonly isWaiting: boolean;
}

interface Batch {
  seq: number;
  readonly operations: readonly Operation[];
  readonly sentAt: number;
  /** The same, by the platform's clock. */
  readonly askedAt: number;
}

const FIRST_RETRY_MS = 25;
const LAST_RETRY_MS = 1_000;

/** Stands for an operation whose answer is not wanted any more. */
const NOTHING = ".";

export class Conversation {
  readonly #settings: Pick<Settings<never>, "clock" | "deadlineMs" | "leaseMs">;
  /** Rings when the first unanswered operation has waited for `deadlineMs`. */
  readonly #deadline = new Alarm(systemClock, () => this.#miss());
  #speaker!: Speaker;
  #seq = 0;
  #batch: Batch | undefined;
  /** A call is on its way, or will be in this turn. */
  #isBusy = false;
  #retry: unknown;
  #retryMs = FIRST_RETRY_MS;
  #isAway = false;
  #isEnded = false;

  constructor(settings: Pick<Settings<never>, "clock" | "deadlineMs" | "leaseMs">) {
    this.#settings = settings;
  }

  /** Whether the server has missed the deadline, and has not answered since. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether an answer is still to come. */
  get isBusy(): boolean {
    return this.#batch !== undefined;
  }

  /** Names the speaker, once, before anything is sent. */
  begin(speaker: Speaker): void {
    this.#speaker = speaker;
  }

  /** Sends the speaker's operations soon: at the end of this turn, or after the batch that is on its way. */
  send(): void {
    this.#watch();
    if (this.#isBusy || this.#isEnded || this.#retry !== undefined) return;
    this.#isBusy = true;
    soon(() => this.#sendNext());
  }

  /** A new session: batches are numbered anew. */
  restart(): void {
    this.#seq = 0;
  }

  end(): void {
    this.#isEnded = true;
    this.#clearRetry();
    this.#deadline.clear();
  }

  #sendNext(): void {
    if (this.#isEnded) return;
    this.#clearRetry();
    const { clock } = this.#settings;
    const before = this.#batch;
    if (before) {
      if (clock.now() - before.sentAt < this.#memoryMs) {
        this.#call(before);
        return;
      }
      // The server may have forgotten it: whether it was done will never be known.
      this.#batch = undefined;
      for (const operation of before.operations) operation.failed(undefined);
    }
    const operations = this.#speaker.next();
    if (operations.length === 0 && !this.#isAway) {
      this.#isBusy = false;
      this.#watch();
      return;
    }
    const batch = { seq: ++this.#seq, operations, sentAt: clock.now(), askedAt: systemClock.now() };
    this.#batch = batch;
    this.#call(batch);
  }

  /** For how long a batch may be sent again, in milliseconds: later the server may have forgotten it. */
  get #memoryMs(): number {
    return (this.#settings.leaseMs * 3) / 4;
  }

  #call(batch: Batch): void {
    const encoded = batch.operations.map((operation) => operation.encode() ?? NOTHING);
    this.#watch();
    this.#speaker.call(batch.seq, encoded.length > 0 ? encoded : [NOTHING]).then(
      (reply) => this.#arrive(batch, reply),
      (error) => this.#fail(batch, error),
    );
  }

  #arrive(batch: Batch, reply: string): void {
    if (this.#isEnded) return;
    const wasInterrupted = this.#isAway || this.#retryMs > FIRST_RETRY_MS;
    this.#isAway = false;
    this.#retryMs = FIRST_RETRY_MS;
    const [verdict, isWritten, due, ...answers] = reply.split(" ");
    if (verdict !== "ok" || answers.length < batch.operations.length) {
      const error = this.#speaker.refused(reply);
      if (!error) {
        batch.seq = ++this.#seq;
        this.#call(batch);
        return;
      }
      this.#batch = undefined;
      for (const operation of batch.operations) operation.failed(error);
    } else {
      this.#batch = undefined;
      // Before the answers are told: acquisitions that are granted now count on the lease.
      const outcome = { seq: batch.seq, isWritten: isWritten === "1", dueMs: waitOf(due!) };
      const timing = this.#speaker.arrived(batch.sentAt, outcome);
      batch.operations.forEach((operation, i) => {
        operation.answered(answers[i]!, timing);
      });
      this.#speaker.told(timing, outcome, wasInterrupted);
    }
    soon(() => this.#sendNext());
  }

  #fail(batch: Batch, error: unknown): void {
    if (this.#isEnded) return;
    this.#isBusy = false;
    if (isLasting(error)) {
      this.#batch = undefined;
      for (const operation of batch.operations) operation.failed(error);
      // The operations that were to go next would fail alike; those that come later try again.
      for (const operation of this.#speaker.unsent()) operation.failed(error);
      this.#watch();
      return;
    }
    this.#speaker.interrupted();
    this.#retry = systemClock.setTimeout(() => {
      this.#retry = undefined;
      if (!this.#isWanted()) return;
      this.#isBusy = true;
      this.#sendNext();
    }, this.#retryMs);
    if (!this.#isWanted()) unref(this.#retry);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#watch();
  }

  /** Whether the answer is still wanted. */
  #isWanted(): boolean {
    return this.#speaker.isWaiting || !!this.#batch?.operations.some((each) => each.encode() !== undefined);
  }

  #clearRetry(): void {
    if (this.#retry !== undefined) systemClock.clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** Watches the deadline while a batch is on its way. */
  #watch(): void {
    if (this.#batch === undefined) {
      this.#deadline.clear();
    } else if (!this.#deadline.isSet) {
      this.#deadline.ringBy(this.#batch.askedAt + this.#settings.deadlineMs, systemClock.now());
    }
  }

  #miss(): void {
    const now = systemClock.now();
    const { deadlineMs } = this.#settings;
    if (this.#batch && this.#batch.askedAt + deadlineMs > now) {
      this.#watch();
      return;
    }
    this.#isAway = true;
    const oldest = this.#speaker.missing(now - deadlineMs);
    // Without one, the next operation starts the watch again.
    if (oldest !== undefined && this.#batch)
      this.#deadline.ringBy(Math.max(oldest + deadlineMs, now + 1), now);
  }
}
