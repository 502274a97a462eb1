/** The readings and changes of a set that have had no answer yet. */
import type { Limit } from "../limits/limits.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Ranked, Request } from "../waiting/standing.ts";
import { stepsOf } from "./allowance.ts";
import type { Conversation } from "./conversation.ts";
import type { Definitions } from "./definitions.ts";
import { type AskedReading, type Form, Reading } from "./reading.ts";
import { type Before, outlookOf } from "./refusing.ts";
import { parseAnswer, type Refused } from "./wire.ts";

/** The limits that are read. */
interface Read {
  readonly limits: readonly Limit[];
  readonly definitions: Definitions;
}

export class Readings {
  readonly #set: Read;
  readonly #pending = new Set<Reading>();
  readonly #conversation: Pick<Conversation, "now">;
  readonly #rank: () => Ranked;
  readonly #ask: (reading: Reading) => void;

  /** `rank` tells the place of one that comes now, and `ask` puts it among the operations of the next batch. */
  constructor(
    set: Read,
    conversation: Pick<Conversation, "now">,
    rank: () => Ranked,
    ask: (reading: Reading) => void,
  ) {
    this.#set = set;
    this.#conversation = conversation;
    this.#rank = rank;
    this.#ask = ask;
  }

  /** Asks in its turn how all limits stand. */
  read<R>(parse: (answer: string) => R): Promise<R> {
    return this.#read({ form: () => this.#ofAll("I", 1), ...this.#rank() }, parse);
  }

  /** Asks in its turn how a try would be answered: no limit refuses if it would be granted. */
  peek(requestOf: () => Request, lines: () => Before): Promise<Outlook> {
    const asked = { request: requestOf(), ...this.#rank() };
    const form = () => {
      asked.request = requestOf();
      const { units } = asked.request;
      const text = `P${this.#set.definitions.encode(units)}`;
      return { text, steps: stepsOf(units), request: asked.request };
    };
    return this.#read({ ...asked, form }, (answer) => {
      const { definitions } = this.#set;
      return outlookOf(lines(), asked, parseAnswer(answer, definitions) as Refused, definitions);
    });
  }

  /** Asks in its turn for a change of limits, by an operation of the script. `isOnce`: it must not be done twice. */
  change(textOf: () => string, isOnce: boolean, done: () => void): Promise<void> {
    const form = () => this.#ofAll(textOf(), 0);
    return this.#read({ form, isOnce, isChange: true, ...this.#rank() }, done);
  }

  /**
   * Gives up those that were made before, by the conversation's clock; none without an error. Returns when the first of the others was
   * made, Infinity if there are none.
   */
  giveUp(askedBefore: number, error: unknown): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const reading of [...this.#pending]) {
      if (reading.askedAt > askedBefore) oldest = Math.min(oldest, reading.askedAt);
      else if (error) reading.failed(error);
    }
    return oldest;
  }

  /** The set has other limits. */
  renew(): void {
    for (const reading of [...this.#pending]) reading.renew();
  }

  /** What concerns all limits, and stands behind those that want them if `count` is 1. */
  #ofAll(text: string, count: number): Form {
    const { limits } = this.#set;
    return { text, steps: 1 + limits.length, request: { units: limits.map(() => count) } };
  }

  /** The answer, as `parse` reads it. */
  #read<R>(asked: Omit<AskedReading, "askedAt">, parse: (answer: string) => R): Promise<R> {
    return new Promise<R>((resolve, failed) => {
      const answered = (answer: string) => resolve(parse(answer));
      const whole = { ...asked, askedAt: this.#conversation.now };
      this.#ask(new Reading(whole, this.#pending, { answered, failed, again: this.#ask }));
    });
  }
}
