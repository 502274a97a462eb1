/** One reading of all limits, which is asked for in its turn among the requests. */
import type { Operation } from "./speaker.ts";

export class Reading implements Operation {
  readonly turn: number;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
  /** When it was made, by the conversation's clock. */
  readonly askedAt: number;
  readonly #pending: Set<Reading>;
  readonly #resolve: (answer: string) => void;
  readonly #reject: (error: unknown) => void;

  /** Adds itself to the `pending` readings, until it is answered or has failed. */
  constructor(
    turn: number,
    steps: number,
    askedAt: number,
    pending: Set<Reading>,
    resolve: (answer: string) => void,
    reject: (error: unknown) => void,
  ) {
    this.turn = turn;
    this.steps = steps;
    this.askedAt = askedAt;
    this.#pending = pending.add(this);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  get isPending(): boolean {
    return this.#pending.has(this);
  }

  encode(): string | undefined {
    return this.isPending ? "I" : undefined;
  }

  answered(answer: string): void {
    if (this.#pending.delete(this)) this.#resolve(answer);
  }

  failed(error: unknown): void {
    if (this.#pending.delete(this)) this.#reject(error);
  }
}
