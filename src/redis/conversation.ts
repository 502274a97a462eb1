/**
 * The conversation of one process with the server: batches, one at a time, each done exactly once. Operations that come while
 * one is on its way go with the next, so that a busy process makes fewer calls than requests, and its requests keep their order.
 * A batch has a number, and the server keeps the answer to the last one: when an answer is lost, the same batch is sent again.
 */
import { systemClock, unref } from "../platform/clock.ts";
import { soon } from "../platform/soon.ts";
import { Alarm } from "../waiting/alarm.ts";
import { failureOf, isLasting, isLockedOut, isRefusal } from "./failures.ts";
import { Patience } from "./patience.ts";
import type { Pulse } from "./pulse.ts";
import { toldBy } from "./reply.ts";
import type { Settings } from "./settings.ts";
import type { Operation, Speaker } from "./speaker.ts";

interface Batch {
  seq: number;
  readonly operations: readonly Operation[];
  readonly sentAt: number;
  /** The same, by `Conversation.now`. */
  readonly askedAt: number;
}

/** The options that a conversation depends on. */
type Terms = Pick<Settings<never>, "clock" | "deadlineMs" | "leaseMs" | "whenAway" | "channel">;

const FIRST_RETRY_MS = 25;
const LAST_RETRY_MS = 1_000;

/** After so many deadlines a first connection counts as failed, if something stands in for the server then. */
const CONNECTION_DEADLINES = 10;

/** A request that is not sent yet asks for a sign of life, if there was none for this part of the deadline. */
const QUIET = 1 / 10;

export class Conversation {
  readonly #settings: Terms;
  readonly #pulse: Pulse;
  readonly #patience: Patience;
  /** Rings when a sign of life is due. */
  readonly #quiet = new Alarm(systemClock, () => this.send());
  readonly #next = () => this.#sendNext();
  #speaker!: Speaker;
  #seq = 0;
  #batch: Batch | undefined;
  /** A call is on its way, or will be in this turn. */
  #isBusy = false;
  #retry: unknown;
  #retryMs = FIRST_RETRY_MS;
  /** The last look at the deadline found the client at its first connection. */
  #isConnecting = false;
  #isAway = false;
  #isRefused = false;
  #isEnded = false;
  /** The error of the last call, if none was answered since. */
  #error: unknown;
  #heardAt = Number.NEGATIVE_INFINITY;
  /** A request that has not been sent waits for a sign of life. */
  #isWatched = false;
  #unwatch: (() => void) | undefined;

  constructor(settings: Terms, pulse: Pulse) {
    this.#settings = settings;
    this.#pulse = pulse;
    const missed = () => this.#miss();
    this.#patience = new Patience(settings.deadlineMs, pulse, missed, () => this.#unhear());
  }

  /** Milliseconds by the clock of the deadline, which stands still while this process does. */
  get now(): number {
    return this.#patience.now;
  }

  /** Whether the server has missed the deadline, and has not answered since. */
  get isAway(): boolean {
    return this.#isAway;
  }

  /** Whether the server refuses to answer, so that nothing stands in for it. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** Whether the next batch goes at the end of this turn: none is on its way, and the server answers. */
  get isFree(): boolean {
    return this.#batch === undefined && this.#retry === undefined && !this.#isAway && !this.#isEnded;
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
    soon(this.#next);
  }

  /** A request that is not sent yet counts on the server too: makes sure that the server is there. */
  watch(): void {
    this.#isWatched = true;
    // An answer that is on its way will do; otherwise it is looked at when nothing is.
    if (!this.#batch && !this.#isBusy) this.#askSoon();
  }

  /** A new session: batches are numbered anew. */
  restart(): void {
    this.#seq = 0;
  }

  end(): void {
    this.#isEnded = true;
    this.#clearRetry();
    this.#quiet.clear();
    this.#stop();
  }

  /** Asks for a sign of life, unless there was one lately. */
  #askSoon(): void {
    if (this.#isWatched && !this.#isEnded) {
      this.#quiet.ringBy(this.#heardAt + this.#settings.deadlineMs * QUIET, this.now);
    }
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
    const isQuiet = this.#isWatched && this.#heardAt + this.#settings.deadlineMs * QUIET <= this.now;
    if (operations.length === 0 && !this.#isAway && !isQuiet) {
      this.#isBusy = false;
      this.#watch();
      this.#askSoon();
      return;
    }
    const batch = { seq: ++this.#seq, operations, sentAt: clock.now(), askedAt: this.now };
    this.#batch = batch;
    this.#quiet.clear();
    this.#call(batch);
  }

  /** For how long a batch may be sent again, in milliseconds: later the server may have forgotten it. */
  get #memoryMs(): number {
    return (this.#settings.leaseMs * 3) / 4;
  }

  #call(batch: Batch): void {
    this.#watch();
    this.#patience.called();
    this.#speaker.call(batch.seq, batch.operations).then(
      (reply) => this.#arrive(batch, reply),
      (error) => this.#fail(batch, error),
    );
  }

  #arrive(batch: Batch, reply: string | number): void {
    if (this.#isEnded) return;
    const wasInterrupted = this.#isAway || this.#retryMs > FIRST_RETRY_MS;
    this.#isAway = false;
    this.#isRefused = false;
    this.#error = undefined;
    this.#heardAt = this.now;
    this.#isWatched = false;
    this.#retryMs = FIRST_RETRY_MS;
    const { seq, operations, sentAt } = batch;
    const told = toldBy(reply, seq, operations.length);
    if (!told) {
      if (!this.#refuse(batch, reply as string)) return;
    } else {
      this.#batch = undefined;
      const { outcome, answers } = told;
      // Before the answers are told: acquisitions that are granted now count on the lease.
      const timing = this.#speaker.arrived(sentAt, outcome);
      for (const [i, operation] of operations.entries()) {
        if (typeof answers === "number") operation.stamped?.(answers, timing);
        else operation.answered(answers[i]!, timing);
      }
      this.#speaker.told(timing, outcome, wasInterrupted);
    }
    soon(this.#next);
  }

  /** The script has done nothing. Returns false if the batch has been sent again. */
  #refuse(batch: Batch, reply: string): boolean {
    const how = this.#speaker.refused(reply);
    if (how === "resend") {
      batch.seq = ++this.#seq;
      this.#call(batch);
      return false;
    }
    this.#batch = undefined;
    for (const operation of batch.operations) {
      if (how === "anew") operation.again();
      else operation.failed(how);
    }
    return true;
  }

  #fail(batch: Batch, error: unknown): void {
    if (this.#isEnded) return;
    this.#isBusy = false;
    this.#error = error;
    this.#patience.ended();
    if (isLasting(error)) {
      const { channel, deadlineMs } = this.#settings;
      const failure = failureOf(error, channel, deadlineMs);
      this.#batch = undefined;
      this.#isRefused = isRefusal(error);
      this.#isAway = false;
      for (const operation of batch.operations) operation.failed(failure);
      // The operations that were to go next would fail alike; those that come later try again.
      for (const operation of this.#speaker.unsent()) operation.failed(failure);
      if (this.#isRefused) this.#speaker.missing(Number.POSITIVE_INFINITY, failure);
      this.#isWatched = false;
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
    if (this.#isEnded) this.#stop();
    else if (this.#batch === undefined) this.#patience.rest();
    else {
      this.#patience.watch(this.#batch.askedAt);
      this.#unwatch ??= this.#pulse.watch((error) => {
        if (this.#batch && isLockedOut(error)) this.#giveUp(Number.POSITIVE_INFINITY, error);
      });
    }
  }

  #stop(): void {
    this.#patience.stop();
    this.#unhear();
  }

  /** Listens to the errors of the connection no more. */
  #unhear(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
  }

  #miss(): void {
    const { deadlineMs, whenAway } = this.#settings;
    const now = this.now;
    if (!this.#batch) return;
    if (this.#batch.askedAt + deadlineMs > now) {
      this.#watch();
    } else if (
      whenAway !== "reject" &&
      this.#pulse.isConnecting &&
      this.#batch.askedAt + CONNECTION_DEADLINES * deadlineMs > now
    ) {
      // The client makes its first connection, and has not failed to: all that would be let pass now might be too much.
      this.#isConnecting = true;
      this.#speaker.missing(now - deadlineMs, undefined);
      this.#patience.watch(now - deadlineMs / 2);
    } else if (this.#isConnecting && this.#pulse.error === undefined) {
      // The connection is there since a moment ago: only now can the server answer, and it has its deadline for that.
      this.#isConnecting = false;
      this.#patience.watch(now);
    } else {
      this.#giveUp(now - deadlineMs, this.#pulse.error ?? this.#error);
    }
  }

  /** The server is away: gives up all that was asked before `askedBefore`. */
  #giveUp(askedBefore: number, cause: unknown): void {
    const { deadlineMs, channel } = this.#settings;
    this.#isAway = true;
    this.#isRefused = cause !== undefined && isRefusal(cause);
    const oldest = this.#speaker.missing(askedBefore, failureOf(cause, channel, deadlineMs));
    // Without one, the next operation starts the watch again.
    this.#patience.stop();
    if (oldest !== Number.POSITIVE_INFINITY && this.#batch)
      this.#patience.watch(Math.max(oldest, this.now + 1 - deadlineMs));
  }
}
