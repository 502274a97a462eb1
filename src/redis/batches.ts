/** The batches of a set: makes each from the operations that are due, and applies its answer. */
import { BackendUnavailableError, type LimitError, show } from "../errors.ts";
import type { Era, RedefineOptions, Redefinition } from "../limits/era.ts";
import { toMicros } from "../limits/units.ts";
import { systemClock } from "../platform/clock.ts";
import { Allowance, MOST_STEPS } from "./allowance.ts";
import { compactCall, takesOf, wholeCall } from "./call.ts";
import type { Conversation } from "./conversation.ts";
import { readable } from "./definitions.ts";
import { Eras, type Turn } from "./eras.ts";
import { DefinitionMismatchError } from "./errors.ts";
import type { RedisQueue } from "./queue.ts";
import { Redefinitions } from "./redefinitions.ts";
import type { Releases } from "./releases.ts";
import { readReply } from "./reply.ts";
import { Roster } from "./roster.ts";
import type { Sessions } from "./sessions.ts";
import type { Settings } from "./settings.ts";
import type { Settlements } from "./settlements.ts";
import type { Operation, Outcome, Speaker, Timing } from "./speaker.ts";
import { ToldWindows } from "./told.ts";

// So many requests in a batch: more would seldom be granted, and a wait for one of them stops those behind it.
const MOST_REQUESTS = 128;

/** Stands for an operation whose answer is not wanted any more. */
const NOTHING = ".";

/** The parts of a set that have something to ask of the server. */
export interface Parts<K extends string> {
  readonly conversation: Conversation;
  readonly sessions: Sessions<K>;
  readonly settlements: Settlements<K>;
  readonly queue: RedisQueue<K>;
  readonly releases: Releases;
  /** The set has other limits than in the era before. */
  renew(before: Era): void;
}

export class Batches<K extends string> implements Speaker {
  readonly #settings: Settings<K>;
  readonly #parts: Parts<K>;
  readonly #eras: Eras;
  readonly #redefinitions: Redefinitions;
  /** The turn of a batch that only redefines, while that is on its way. */
  #turn: Turn | undefined;
  readonly #windows: ToldWindows;
  /** The partitions of the batch that is on its way. */
  #roster = new Roster();
  /** When the clock was read for the batch that is on its way. */
  #readAt = 0;
  /** Ends the wait for the end of the session. */
  #left: (() => void) | undefined;
  /** Rings when the server has not answered in time meanwhile. */
  #late: unknown;

  constructor(settings: Settings<K>, parts: Parts<K>) {
    this.#settings = settings;
    this.#parts = parts;
    const renew = (before: Era) => {
      this.#windows.renew(settings.definitions);
      parts.renew(before);
    };
    this.#eras = new Eras(settings as unknown as Settings<string>, renew);
    this.#redefinitions = new Redefinitions(settings, this.#eras);
    this.#windows = new ToldWindows(settings.definitions);
  }

  get isWaiting(): boolean {
    const { queue, settlements } = this.#parts;
    return queue.lines.size > 0 || !settlements.isEmpty || this.#redefinitions.isWaiting;
  }

  /** Ends the session and then the conversation. Resolves when the server knows, or has not answered in time. */
  async end(): Promise<void> {
    const { conversation, sessions, settlements } = this.#parts;
    const isKnown = sessions.current.written > 0 || !settlements.isEmpty;
    if (isKnown || conversation.isBusy) await this.#leave();
    conversation.end();
  }

  /** Gives the set other limits, in a batch of its own; or only if it has not just these, in the same version. */
  redefine(limits: Redefinition, options: RedefineOptions, unlessAlike = false): Promise<void> {
    const done = this.#redefinitions.ask(limits, options, this.#parts.conversation.now, unlessAlike);
    this.#parts.conversation.send();
    return done;
  }

  next(): readonly Operation[] {
    this.#turn = undefined;
    const roster = new Roster();
    this.#roster = roster;
    const redefinition = this.#redefinitions.next();
    if (redefinition) {
      this.#turn = redefinition.turn;
      return [redefinition];
    }
    const { settlements, sessions, queue } = this.#parts;
    const lone = settlements.isEmpty && !sessions.renewal.isDue && !this.#left && queue.alone.take();
    if (lone) return [lone];
    if (queue.lines.size > 0) settlements.eachReturn((due, place) => queue.lines.cameBack(due, place));
    // Requests have half of a batch at least, and settlements have half at least.
    const allowance = new Allowance(settlements.isEmpty ? MOST_STEPS : MOST_STEPS / 2, MOST_REQUESTS, roster);
    const requests = queue.next(allowance);
    const operations = settlements.take(new Allowance(MOST_STEPS - allowance.used, Infinity, roster));
    if (sessions.renewal.takeDue()) {
      roster.admitAll();
      const again = () => sessions.renewal.putBack();
      operations.push({ encode: () => "R", answered: () => {}, failed: () => {}, again });
    }
    if (this.#left && settlements.isEmpty) {
      const left = this.#left;
      this.#left = undefined;
      const again = () => {
        this.#left = left;
      };
      return [...operations, { encode: () => "L", answered: left, failed: left, again }];
    }
    return [...operations, ...requests];
  }

  unsent(): readonly Operation[] {
    const redefinitions = this.#redefinitions.unsent();
    return [...redefinitions, ...this.#parts.queue.unsent(new Allowance(Number.POSITIVE_INFINITY))];
  }

  call(seq: number, operations: readonly Operation[]): Promise<string | number> {
    const { key, server, clock, isInjected, leaseMs } = this.#settings;
    const { definitions, turn, isBrought, hasPartitions } = this.#eras.encode(this.#turn);
    const { id, held, written } = this.#parts.sessions.current;
    this.#readAt = clock.now();
    const reading = toMicros(clock.behind(this.#readAt));
    const caller = { definitions, session: id, seq, reading: isInjected ? reading : undefined };
    const texts = operations.map((operation) => operation.encode() ?? NOTHING);
    const takes = isBrought || written === 0 || held > 0 ? undefined : takesOf(operations);
    const compact = takes && compactCall(caller, takes, texts);
    if (compact) return server.run(key, compact).then(readReply);
    if (turn) this.#roster.admitAll();
    const whole = {
      partitions: hasPartitions ? this.#roster.text : "",
      acked: held > 0 ? written : 0,
      leaseUs: toMicros(leaseMs),
      turn,
      windows: this.#windows.encode(reading),
      isBrought,
    };
    const call = wholeCall(caller, whole, texts.length > 0 ? texts : [NOTHING]);
    return server.run(key, call).then(readReply);
  }

  arrived(sentAt: number, { seq, isWritten }: Outcome): Timing {
    const { leaseMs, isInjected, clock } = this.#settings;
    this.#eras.agreed();
    if (isWritten) {
      const session = this.#parts.sessions.current;
      session.written = seq;
      session.leasedUntil = sentAt + leaseMs;
    }
    return { sentAt, readAt: isInjected ? this.#readAt : clock.now() };
  }

  told({ readAt }: Timing, { dueMs, isUnheard }: Outcome, wasInterrupted: boolean): void {
    const { queue, sessions, releases } = this.#parts;
    // Waiters must be asked for again in time, since the server forgets them.
    const looksMs = Math.min(this.#settings.leaseMs / 3, releases.lookMs);
    queue.answered(dueMs === undefined ? undefined : readAt + Math.min(Math.max(dueMs, 1), looksMs));
    if (isUnheard) releases.unheard();
    if (wasInterrupted) queue.serve();
    if (!sessions.isEnded) sessions.renewal.watch();
    if (this.#left) this.#waitForEnd(this.#left);
  }

  refused(answer: string): Error | "resend" | "anew" {
    if (answer.startsWith("other\n")) {
      const [, json, ...text] = answer.split("\n");
      return this.#meet(json!, text.join("\n"));
    }
    if (answer === "need") {
      this.#eras.bring();
      return "resend";
    }
    if (answer.startsWith("ask ")) {
      this.#windows.ask(answer);
      return "resend";
    }
    if (answer !== "lost" && answer !== "stale") {
      return new BackendUnavailableError(`the server's answer cannot be read: ${show(answer)}`);
    }
    this.#parts.sessions.lose("the server has forgotten them");
    return "resend";
  }

  /** The server has other definitions. */
  #meet(json: string, text: string): Error | "anew" {
    const { name, definitions } = this.#settings;
    try {
      this.#eras.met(json, text);
      return "anew";
    } catch (error) {
      if (error instanceof DefinitionMismatchError) return error;
      // Another version of this library has written them.
      return new DefinitionMismatchError(name, readable(text), readable(definitions.text));
    }
  }

  missing(askedBefore: number, error: LimitError | undefined): number {
    return Math.min(
      this.#parts.queue.giveUp(askedBefore, error),
      this.#redefinitions.giveUp(askedBefore, error),
    );
  }

  interrupted(): void {
    this.#parts.queue.interrupted();
  }

  /** Ends the session with the next batch. */
  #leave(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#left = () => {
        systemClock.clearTimeout(this.#late);
        resolve();
      };
      this.#waitForEnd(resolve);
      this.#parts.conversation.send();
    });
  }

  /** Waits anew, after each part of many settlements. */
  #waitForEnd(giveUp: () => void): void {
    systemClock.clearTimeout(this.#late);
    this.#late = systemClock.setTimeout(giveUp, this.#settings.deadlineMs);
  }
}
