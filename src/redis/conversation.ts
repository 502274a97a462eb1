/**
 * What one process says to the server: batches, one at a time, each done exactly once. All that is asked while one is on its way
 * goes with the next, so that a busy process makes fewer calls than requests, and its requests keep their order. A batch has
 * a number, and the server keeps the answer to the last: where an answer is lost, the same batch is sent again.
 */
import { systemClock, unref } from "../platform/clock.ts";
import { soon } from "../platform/soon.ts";
import { isLasting } from "./client.ts";
import { waitOf } from "./wire.ts";

/** One thing that is asked. */
export interface Operation {
  /** How the script is asked; `undefined` once nobody wants to know any more. */
  encode(): string | undefined;
  /** The script's answer. */
  answered(answer: string, timing: Timing): void;
  /** It was not done, because of `error`; or where that is undefined, nobody will ever know. */
  failed(error: unknown): void;
}

/** When a batch was asked first, and from when the waits in the answer count; by the set's clock. */
export interface Timing {
  readonly sentAt: number;
  readonly readAt: number;
}

/** What the script says of a batch. */
export interface Outcome {
  readonly seq: number;
  /** The server has written the session down. */
  readonly isWritten: boolean;
  /** How long until some lease may end, in milliseconds. */
  readonly dueMs: number;
}

/** Who has something to say. */
export interface Speaker {
  /** What is to be asked next, in order; empty if nothing. */
  next(): readonly Operation[];
  /** Asks the server. */
  send(seq: number, operations: readonly string[]): Promise<string>;
  now(): number;
  /** The answers of a batch that was asked first at `sentAt` are there. */
  arrived(sentAt: number, outcome: Outcome): Timing;
  /** They have been told. `wasInterrupted`: later than was to be expected. */
  told(timing: Timing, outcome: Outcome, wasInterrupted: boolean): void;
  /** The script has done nothing: why; or undefined if the batch is to be sent again, in a new session. */
  refused(answer: string): Error | undefined;
  /** An answer is missing: gives up what was asked before `askedBefore`, and says when the oldest of the rest was asked. */
  missing(askedBefore: number): number | undefined;
  /** The connection has failed. */
  interrupted(): void;
  /** Whether there is more to ask than was. */
  readonly isWaiting: boolean;
  /** How long a batch may be sent again, in milliseconds: afterwards the server may have forgotten it. */
  readonly memoryMs: number;
  readonly deadlineMs: number;
}

interface Batch {
  seq: number;
  readonly operations: readonly Operation[];
  readonly sentAt: number;
  /** By the platform's clock. */
  readonly askedAt: number;
}

const FIRST_RETRY_MS = 25;
const LAST_RETRY_MS = 1_000;

const NOTHING = ".";

export class Conversation {
  readonly #speaker: Speaker;
  #seq = 0;
  #batch: Batch | undefined;
  /** A call is on its way, or will be in this turn. */
  #isBusy = false;
  #retry: unknown;
  #retryMs = FIRST_RETRY_MS;
  #watch: unknown;
  #isAway = false;
  #isEnded = false;

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
  }

  /** Whether the server has not answered within the deadline, and not since. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether an answer is still to come. */
  get isBusy(): boolean {
    return this.#batch !== undefined;
  }

  /** There is something to ask. */
  kick(): void {
    this.#attend();
    if (this.#isBusy || this.#isEnded || this.#retry !== undefined) return;
    this.#isBusy = true;
    soon(() => this.#begin());
  }

  /** Numbers begin anew: a new session. */
  restart(): void {
    this.#seq = 0;
  }

  end(): void {
    this.#isEnded = true;
    if (this.#retry !== undefined) systemClock.clearTimeout(this.#retry);
    if (this.#watch !== undefined) systemClock.clearTimeout(this.#watch);
    this.#retry = this.#watch = undefined;
  }

  #begin(): void {
    if (this.#isEnded) return;
    if (this.#retry !== undefined) systemClock.clearTimeout(this.#retry);
    this.#retry = undefined;
    const before = this.#batch;
    if (before) {
      if (this.#speaker.now() - before.sentAt < this.#speaker.memoryMs) {
        this.#send(before);
        return;
      }
      // Nobody will ever know whether it was done.
      this.#batch = undefined;
      for (const operation of before.operations) operation.failed(undefined);
    }
    const operations = this.#speaker.next();
    if (operations.length === 0 && !this.#isAway) {
      this.#isBusy = false;
      this.#attend();
      return;
    }
    const batch = { seq: ++this.#seq, operations, sentAt: this.#speaker.now(), askedAt: systemClock.now() };
    this.#batch = batch;
    this.#send(batch);
  }

  #send(batch: Batch): void {
    const encoded = batch.operations.map((operation) => operation.encode() ?? NOTHING);
    this.#attend();
    this.#speaker.send(batch.seq, encoded.length > 0 ? encoded : [NOTHING]).then(
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
        this.#send(batch);
        return;
      }
      this.#batch = undefined;
      for (const operation of batch.operations) operation.failed(error);
    } else {
      this.#batch = undefined;
      // First, since what is granted in this session is held with it.
      const outcome = { seq: batch.seq, isWritten: isWritten === "1", dueMs: waitOf(due!) };
      const timing = this.#speaker.arrived(batch.sentAt, outcome);
      batch.operations.forEach((operation, i) => {
        operation.answered(answers[i]!, timing);
      });
      this.#speaker.told(timing, outcome, wasInterrupted);
    }
    soon(() => this.#begin());
  }

  #fail(batch: Batch, error: unknown): void {
    if (this.#isEnded) return;
    this.#isBusy = false;
    if (isLasting(error)) {
      this.#batch = undefined;
      for (const operation of batch.operations) operation.failed(error);
      // What else was to be asked would fail alike; whoever asks next tries.
      for (const operation of this.#speaker.next()) operation.failed(error);
      this.#attend();
      return;
    }
    this.#speaker.interrupted();
    this.#retry = systemClock.setTimeout(() => {
      this.#retry = undefined;
      if (!this.#isWanted()) return;
      this.#isBusy = true;
      this.#begin();
    }, this.#retryMs);
    if (!this.#isWanted()) unref(this.#retry);
    this.#retryMs = Math.min(2 * this.#retryMs, LAST_RETRY_MS);
    this.#attend();
  }

  /** Whether anybody would miss the answer. */
  #isWanted(): boolean {
    return this.#speaker.isWaiting || !!this.#batch?.operations.some((each) => each.encode() !== undefined);
  }

  /** Watches over the deadline while something is on its way. */
  #attend(): void {
    if (this.#batch === undefined) {
      if (this.#watch !== undefined) systemClock.clearTimeout(this.#watch);
      this.#watch = undefined;
    } else if (this.#watch === undefined) {
      const { deadlineMs } = this.#speaker;
      const ms = Math.max(0, this.#batch.askedAt + deadlineMs - systemClock.now());
      this.#arm(ms);
    }
  }

  #arm(ms: number): void {
    this.#watch = systemClock.setTimeout(() => {
      this.#watch = undefined;
      const now = systemClock.now();
      const { deadlineMs } = this.#speaker;
      if (this.#batch && this.#batch.askedAt + deadlineMs > now) {
        this.#attend();
        return;
      }
      this.#isAway = true;
      const oldest = this.#speaker.missing(now - deadlineMs);
      // Whoever asks next is watched over then.
      if (oldest !== undefined && this.#batch) this.#arm(Math.max(1, oldest + deadlineMs - now));
    }, ms);
  }
}
