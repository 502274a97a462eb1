/** The redefinitions that a program has asked for, one after the other. Each is a batch of its own. */
import type { LimitError } from "../errors.ts";
import { checkRedefineOptions, type RedefineOptions, type Redefinition } from "../limits/era.ts";
import { type Limit, toLimits } from "../limits/limits.ts";
import { areAlike } from "../limits/sameness.ts";
import { type Eras, inOrder, type Turn } from "./eras.ts";
import type { Operation } from "./speaker.ts";

/** The set, as it is now. */
interface Limited {
  readonly limits: readonly Limit[];
  readonly era: { readonly version: number };
}

interface Asked {
  readonly limits: Redefinition;
  readonly options: RedefineOptions;
  readonly askedAt: number;
  /** Whether there is nothing to be done if the set has just these limits. */
  readonly unlessAlike: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A redefinition in a batch. */
interface Redefining extends Operation {
  readonly turn: Turn;
}

export class Redefinitions {
  readonly #settings: Limited;
  readonly #eras: Eras;
  #asked: Asked[] = [];

  constructor(settings: Limited, eras: Eras) {
    this.#settings = settings;
    this.#eras = eras;
  }

  get isWaiting(): boolean {
    return this.#asked.length > 0;
  }

  /** @throws {InvalidRequestError} for an option that makes no sense. */
  ask(limits: Redefinition, options: RedefineOptions, askedAt: number, unlessAlike: boolean): Promise<void> {
    checkRedefineOptions(options);
    return new Promise((resolve, reject) =>
      this.#asked.push({ limits, options, askedAt, unlessAlike, resolve, reject }),
    );
  }

  /** The first that changes something, for the next batch. */
  next(): Redefining | undefined {
    for (let asked = this.#asked[0]; asked; asked = this.#asked[0]) {
      const turn = this.#turnOf(asked);
      if (turn) return this.#operation(asked, turn);
    }
    return undefined;
  }

  /** All of them, which fail as the last batch did. */
  unsent(): Operation[] {
    return this.#asked.map((asked) => ({
      encode: () => ".",
      answered: () => {},
      again: () => {},
      failed: (error) => this.#end(asked).reject(error),
    }));
  }

  giveUp(askedBefore: number, error: LimitError | undefined): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const asked of [...this.#asked]) {
      if (asked.askedAt > askedBefore) oldest = Math.min(oldest, asked.askedAt);
      else if (error) this.#end(asked).reject(error);
    }
    return oldest;
  }

  close(error: Error): void {
    for (const asked of [...this.#asked]) this.#end(asked).reject(error);
  }

  /** Undefined if there is nothing to be done for it any more. */
  #turnOf(asked: Asked): Turn | undefined {
    const { limits, options, unlessAlike } = asked;
    try {
      const present = this.#settings;
      const later = toLimits(typeof limits === "function" ? limits(present.limits) : limits);
      const isThere =
        unlessAlike &&
        present.era.version === options.version &&
        areAlike(inOrder(later), inOrder(present.limits));
      const turn = isThere ? undefined : this.#eras.turnTo(later, options.inherit ?? "used", options.version);
      if (!turn) this.#end(asked).resolve();
      return turn;
    } catch (error) {
      this.#end(asked).reject(error);
      return undefined;
    }
  }

  #operation(asked: Asked, turn: Turn): Redefining {
    return {
      turn,
      encode: () => "R",
      answered: () => {
        this.#eras.turned(turn, asked.options.version);
        this.#end(asked).resolve();
      },
      // It is asked for again, on top of the limits that the set has then.
      again: () => {},
      failed: (error) => {
        if (error !== undefined) this.#end(asked).reject(error);
      },
    };
  }

  #end(asked: Asked): Asked {
    this.#asked = this.#asked.filter((each) => each !== asked);
    return asked;
  }
}
