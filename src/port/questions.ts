/** The questions of a connection: operations that the host answers. Each goes by the number of its operation. */
import { unpackError } from "../remote/packed-errors.ts";
import { TO_PEER } from "./protocol.ts";

interface Question {
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export class Questions {
  /** Those that are not answered yet. */
  readonly #open = new Map<number, Question>();

  get size(): number {
    return this.#open.size;
  }

  /**
   * The host's answer to the operation `number`: `[waitMs, limits]` of a refusal, rows of statistics, `TO_PEER.CANCELLED` of a
   * cancelled request, undefined of a grant. Rejects with the error of a failure.
   */
  ask(number: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#open.set(number, { resolve, reject });
    });
  }

  /** Takes an answer from the host. False if no such question is open. */
  answer(kind: number, number: number, second: unknown, third: unknown): boolean {
    const question = this.#open.get(number);
    if (!question) return false;
    this.#open.delete(number);
    if (kind === TO_PEER.FAILED) question.reject(unpackError(second));
    else if (kind === TO_PEER.REFUSED) question.resolve([second, third]);
    else if (kind === TO_PEER.STATS) question.resolve(second);
    else question.resolve(kind === TO_PEER.CANCELLED ? TO_PEER.CANCELLED : undefined);
    return true;
  }

  rejectAll(error: unknown): void {
    for (const question of this.#open.values()) question.reject(error);
    this.#open.clear();
  }
}
