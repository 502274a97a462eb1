/** A question that takes nothing, and is asked in its turn among the requests: how all limits stand, or whether a request could pass. */
import type { Request } from "../waiting/standing.ts";
import type { Operation, Timing } from "./speaker.ts";

export interface AskedReading {
  /** The operation as the script reads it. */
  readonly text: string;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
  /** Of a peek: the request that it is about. */
  readonly request?: Request;
  readonly turn: number;
  /** When it was made, by the conversation's clock. */
  readonly askedAt: number;
}

/** The way on of a reading. */
interface Ends {
  readonly answered: (answer: string, timing: Timing) => void;
  readonly failed: (error: unknown) => void;
  /** Asks again, since the answer was lost. */
  readonly again: (reading: Reading) => void;
}

export class Reading implements Operation {
  readonly steps: number;
  readonly request: Request | undefined;
  readonly turn: number;
  readonly askedAt: number;
  readonly #text: string;
  readonly #pending: Set<Reading>;
  readonly #ends: Ends;

  /** Adds itself to the `pending` readings, until it is answered or has failed. */
  constructor({ text, steps, request, turn, askedAt }: AskedReading, pending: Set<Reading>, ends: Ends) {
    this.steps = steps;
    this.request = request;
    this.turn = turn;
    this.askedAt = askedAt;
    this.#text = text;
    this.#pending = pending.add(this);
    this.#ends = ends;
  }

  get isPending(): boolean {
    return this.#pending.has(this);
  }

  encode(): string | undefined {
    return this.isPending ? this.#text : undefined;
  }

  answered(answer: string, timing: Timing): void {
    if (this.#pending.delete(this)) this.#ends.answered(answer, timing);
  }

  failed(error: unknown): void {
    if (error === undefined && this.isPending) this.#ends.again(this);
    else if (this.#pending.delete(this)) this.#ends.failed(error);
  }
}
