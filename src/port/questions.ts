/** The questions of a connection: operations that the host answers. Each goes by the number of its operation. */
import { unpackError } from "../remote/packed-errors.ts";
import { type Operation, TO_PEER } from "./protocol.ts";

/** Reads an answer of one kind, with its values. Undefined if it answers no such question. */
export type Read<T> = (kind: number, second: unknown, third: unknown, fourth: unknown) => T | undefined;

interface Question {
  readonly read: Read<unknown>;
  resolve(answer: unknown): void;
  reject(error: unknown): void;
}

export class Questions {
  /** Those that are not answered yet. */
  readonly #open = new Map<number, Question>();

  get size(): number {
    return this.#open.size;
  }

  /** The host's answer to the operation `number`, as `read` reads it. Rejects with the error of a failure. */
  ask<T>(number: number, read: Read<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#open.set(number, { read, resolve: resolve as (answer: unknown) => void, reject });
    });
  }

  /**
   * Takes the host's answer to the operation `number`. False if no such question is open. The question stays open if the answer is
   * unreadable.
   */
  answer(number: number, [kind, , second, third, fourth]: Operation): boolean | "unreadable" {
    const question = this.#open.get(number);
    if (!question) return false;
    const isFailure = kind === TO_PEER.FAILED;
    const answer = isFailure ? unpackError(second) : question.read(kind, second, third, fourth);
    if (answer === undefined) return "unreadable";
    this.#open.delete(number);
    if (isFailure) question.reject(answer);
    else question.resolve(answer);
    return true;
  }

  rejectAll(error: unknown): void {
    for (const question of this.#open.values()) question.reject(error);
    this.#open.clear();
  }
}
