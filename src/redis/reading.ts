/**
 * An operation that takes nothing, and is asked in its turn among the requests: how all limits stand, or whether a request could pass; or a
 * change of limits.
 */
import { BackendUnavailableError } from "../errors.ts";
import type { Request } from "./place.ts";
import { Roster } from "./roster.ts";
import type { Operation } from "./speaker.ts";

export interface Form {
  /** The operation as the script reads it, in a batch that has these partitions. */
  readonly text: (roster: Roster) => string;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
  /** The request behind whose waiters it stands; one that wants nothing, if it stands behind none. */
  readonly request: Request;
}

export interface AskedReading {
  /** What it asks, of the limits that the set has now. It may throw where these are others than before. */
  readonly form: () => Form;
  readonly key: number;
  readonly turn: number;
  /** Whether it would do harm if it were done twice: then it fails where it is not known whether it was done. */
  readonly isOnce?: boolean;
  /** Whether it changes limits. */
  readonly isChange?: boolean;
  /** When it was made, by the conversation's clock. */
  readonly askedAt: number;
}

/** The way on of a reading. */
interface Ends {
  readonly answered: (answer: string) => void;
  readonly failed: (error: unknown) => void;
  /** Asks again, since the answer was lost. */
  readonly again: (reading: Reading) => void;
}

export class Reading implements Operation {
  readonly key: number;
  readonly turn: number;
  readonly askedAt: number;
  #before = "";
  #roster = new Roster();
  readonly isChange: boolean;
  readonly #isOnce: boolean;
  #form: Form;
  readonly #renewed: () => Form;
  readonly #pending: Set<Reading>;
  readonly #ends: Ends;

  /** Adds itself to the `pending` readings, until it is answered or has failed. */
  constructor(asked: AskedReading, pending: Set<Reading>, ends: Ends) {
    const { form, key, turn, askedAt, isOnce = false, isChange = false } = asked;
    this.#renewed = form;
    this.#form = form();
    this.key = isChange ? Number.NEGATIVE_INFINITY : key;
    this.isChange = isChange;
    this.#isOnce = isOnce;
    this.turn = turn;
    this.askedAt = askedAt;
    this.#pending = pending.add(this);
    this.#ends = ends;
  }

  /** A charge goes by the tier that a partition has, as a settlement does. */
  get keepsTier(): boolean {
    return this.#isOnce;
  }

  get isPending(): boolean {
    return this.#pending.has(this);
  }

  get steps(): number {
    return this.#form.steps;
  }

  get request(): Request {
    return this.#form.request;
  }

  /** The set has other limits. */
  renew(): void {
    try {
      this.#form = this.#renewed();
    } catch (error) {
      this.failed(error);
    }
  }

  again(): void {
    if (this.isPending) this.#ends.again(this);
  }

  /** The same in a batch that has these partitions, behind waiters that want so much. */
  behind(before: string, roster: Roster): this {
    this.#before = before;
    this.#roster = roster;
    if (this.isChange) roster.admitAll();
    return this;
  }

  encode(): string | undefined {
    return this.isPending ? this.#form.text(this.#roster) + this.#before : undefined;
  }

  answered(answer: string): void {
    if (this.#pending.delete(this)) this.#ends.answered(answer);
  }

  failed(error: unknown): void {
    if (error === undefined && this.isPending && !this.#isOnce) this.#ends.again(this);
    else if (this.#pending.delete(this)) this.#ends.failed(error ?? unknown());
  }
}

function unknown(): BackendUnavailableError {
  return new BackendUnavailableError("the answer of the server was lost: whether it was done is not known");
}
