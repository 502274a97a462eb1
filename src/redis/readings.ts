/** The readings of a set that have had no answer yet. */
import type { Conversation } from "./conversation.ts";
import { type AskedReading, Reading } from "./reading.ts";
import type { Timing } from "./speaker.ts";

export class Readings {
  readonly #pending = new Set<Reading>();
  readonly #conversation: Pick<Conversation, "now">;
  readonly #ask: (reading: Reading) => void;

  /** `ask` puts a reading among the operations of the next batch. */
  constructor(conversation: Pick<Conversation, "now">, ask: (reading: Reading) => void) {
    this.#conversation = conversation;
    this.#ask = ask;
  }

  /** The answer, as `parse` reads it. */
  read<R>(asked: Omit<AskedReading, "askedAt">, parse: (answer: string, timing: Timing) => R): Promise<R> {
    return new Promise<R>((resolve, failed) => {
      const answered = (...answer: Parameters<typeof parse>) => resolve(parse(...answer));
      const whole = { ...asked, askedAt: this.#conversation.now };
      this.#ask(new Reading(whole, this.#pending, { answered, failed, again: this.#ask }));
    });
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
}
