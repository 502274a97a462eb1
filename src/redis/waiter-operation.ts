/** How a waiter is asked for in one batch. */
import type { Definitions } from "./definitions.ts";
import type { Roster } from "./roster.ts";
import type { Operation, Timing } from "./speaker.ts";
import type { Waiter } from "./waiter.ts";
import { type Answer, answerOf, parseAnswer } from "./wire.ts";

/** The queue of the waiter. */
interface Queue {
  /** Where it is the last, a refusal ends the wait. */
  answer(waiter: Waiter, answer: Answer, isLast: boolean, timing: Timing): void;
  fail(waiter: Waiter, error: unknown): void;
}

export class WaiterOperation implements Operation {
  readonly #queue: Queue;
  readonly #waiter: Waiter;
  readonly #code: string;
  /** Its timeout had passed when it was asked for: an answer of before does not decide. */
  readonly #isLast: boolean;
  readonly #before: string;
  readonly #definitions: Definitions;
  readonly #roster: Roster;

  /** It stands behind what `before` says. */
  constructor(queue: Queue, waiter: Waiter, before: string, definitions: Definitions, roster: Roster) {
    this.#queue = queue;
    this.#waiter = waiter;
    this.#code = waiter.code;
    this.#isLast = waiter.isLate || waiter.isOnce || this.#code === "P";
    this.#before = before;
    this.#definitions = definitions;
    this.#roster = roster;
    waiter.isSent = true;
  }

  encode(): string | undefined {
    return this.#waiter.encode(this.#code, this.#definitions, this.#roster, this.#before);
  }

  takes(): readonly number[] | undefined {
    return this.#before === "" && this.#code !== "P" ? this.#waiter.takes : undefined;
  }

  answered(text: string, timing: Timing): void {
    this.#waiter.isSent = false;
    if (text !== ".")
      this.#queue.answer(this.#waiter, parseAnswer(text, this.#definitions), this.#isLast, timing);
  }

  stamped(stamp: number, timing: Timing): void {
    this.#waiter.isSent = false;
    this.#queue.answer(this.#waiter, answerOf(stamp, this.#waiter.request.units), this.#isLast, timing);
  }

  again(): void {
    this.#queue.fail(this.#waiter, undefined);
  }

  failed(error: unknown): void {
    this.#queue.fail(this.#waiter, error);
  }
}
