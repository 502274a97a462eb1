/** The readings and changes of a set that have had no answer yet. */
import type { Limit } from "../limits/limits.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Ranked } from "../waiting/standing.ts";
import { stepsOf } from "./allowance.ts";
import type { Conversation } from "./conversation.ts";
import type { Definitions } from "./definitions.ts";
import type { Place, Request } from "./place.ts";
import { type AskedReading, type Form, Reading } from "./reading.ts";
import { type Before, outlookOf } from "./refusing.ts";
import type { Roster } from "./roster.ts";
import { parseAnswer, type Refused } from "./wire.ts";

/** The limits that are read. */
interface Read {
  readonly limits: readonly Limit[];
  readonly definitions: Definitions;
}

/** It tells the place of a reading that comes now. */
interface Ranking {
  rank(priority: undefined, place: Place | undefined): Ranked;
}

/** It has the operations of the next batch that are asked for once. */
interface Single {
  add(reading: Reading): void;
}

export class Readings {
  readonly #set: Read;
  readonly #pending = new Set<Reading>();
  readonly #conversation: Pick<Conversation, "now" | "send">;
  readonly #bounds: Ranking;
  readonly #singles: Single;

  constructor(set: Read, conversation: Pick<Conversation, "now" | "send">, bounds: Ranking, singles: Single) {
    this.#set = set;
    this.#conversation = conversation;
    this.#bounds = bounds;
    this.#singles = singles;
  }

  /** Asks in its turn how all limits stand, those of the partitions of a place among them. */
  read<R>(placeOf: () => Place | undefined, parse: (answer: string) => R): Promise<R> {
    const form = () => {
      const place = placeOf();
      const { definitions } = this.#set;
      const named = place?.wards.map((ward) => (ward === undefined ? -1 : 0)) ?? [];
      const text = (roster: Roster) => `I${definitions.encodeChange(named, roster.slotsOf(place))}`;
      return this.#ofAll(text, 1, place);
    };
    return this.#read({ form, ...this.#rank(placeOf()) }, parse);
  }

  /** Asks in its turn how a try would be answered: no limit refuses if it would be granted. */
  peek(requestOf: () => Request, lines: () => Before): Promise<Outlook> {
    const request = requestOf();
    const asked = { request, ...this.#rank(request.place) };
    const form = () => {
      asked.request = requestOf();
      const { units, place } = asked.request;
      const { definitions } = this.#set;
      const text = (roster: Roster) => `P${definitions.encode(units, roster.slotsOf(place))}`;
      return { text, steps: stepsOf(units, place), request: asked.request };
    };
    return this.#read({ ...asked, form }, (answer) => {
      const { definitions } = this.#set;
      return outlookOf(lines(), asked, parseAnswer(answer, definitions) as Refused, definitions);
    });
  }

  /** Asks in its turn for a change of limits, by an operation of the script. `isOnce`: it must not be done twice. */
  change(
    textOf: () => (roster: Roster) => string,
    placeOf: () => Place | undefined,
    isOnce: boolean,
    done: () => void,
  ): Promise<void> {
    const form = () => this.#ofAll(textOf(), 0, placeOf());
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
  #ofAll(text: (roster: Roster) => string, count: number, place: Place | undefined): Form {
    const { limits } = this.#set;
    const units = limits.map(() => count);
    return { text, steps: limits.length + stepsOf([], place), request: { units, place } };
  }

  #rank(place?: Place): Ranked {
    return this.#bounds.rank(undefined, place);
  }

  #ask(reading: Reading): void {
    this.#singles.add(reading);
    this.#conversation.send();
  }

  /** The answer, as `parse` reads it. */
  #read<R>(asked: Omit<AskedReading, "askedAt">, parse: (answer: string) => R): Promise<R> {
    return new Promise<R>((resolve, failed) => {
      const answered = (answer: string) => resolve(parse(answer));
      const whole = { ...asked, askedAt: this.#conversation.now };
      const again = (reading: Reading) => this.#ask(reading);
      this.#ask(new Reading(whole, this.#pending, { answered, failed, again }));
    });
  }
}
