/** This side of a thread that does as it is told: see peer.js. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import type { LimitSet } from "limitset";
import { type LimitSetHandle, type SharedLimits, shareLimits } from "limitset/threads";
import { onTestFinished } from "vitest";

interface Answer {
  id: number;
  result?: unknown;
  error?: { code: string; message: string };
}

export class Peer {
  readonly worker = new Worker(new URL("./peer.js", import.meta.url));
  readonly shared: SharedLimits<never> | undefined;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  #id = 1;

  /** A thread that has `limits`. Its holdings come back when it ends. */
  constructor(limits: LimitSet<never>, options: { watched?: boolean; handle?: LimitSetHandle } = {}) {
    const { watched = true, handle } = options;
    if (handle === undefined) this.shared = watched ? shareLimits(limits, this.worker) : shareLimits(limits);
    if (handle !== undefined || !watched) this.worker.postMessage(handle ?? this.shared?.handle);
    this.worker.on("message", (answer: Answer) => this.#answers.get(answer.id)?.(answer));
    onTestFinished(async () => {
      await this.worker.terminate();
    });
  }

  /** Has the thread do something. Rejects with the code and the message of its error. */
  async do<T = unknown>(command: string, ...args: unknown[]): Promise<T> {
    const id = this.#id++;
    const answer = await new Promise<Answer>((resolve) => {
      this.#answers.set(id, resolve);
      this.worker.postMessage({ id, command, args });
    });
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
    return answer.result as T;
  }

  /** Ends the thread, wherever it is. Resolves when all listeners for its end have been called. */
  async kill(): Promise<void> {
    const ended = once(this.worker, "exit");
    await this.worker.terminate();
    await ended.catch(() => {});
  }
}

/** Resolves when `isTrue`, which the test's own timeout bounds. */
export async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 1));
}
