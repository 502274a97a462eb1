/** Processes that share a set with the test. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { LimitLike } from "limitset";
import type { RedisLimitSetOptions } from "limitset/redis";
import { onTestFinished } from "vitest";
import type { RedisServer } from "./server.ts";

interface Answer {
  readonly id?: number;
  readonly ready?: boolean;
  readonly lost?: number;
  readonly reason?: string;
  readonly result?: unknown;
  readonly error?: string;
}

export type PeerOptions = Omit<RedisLimitSetOptions<string>, "client" | "limits"> & {
  readonly limits: readonly LimitLike<string>[];
};

export class Peer {
  readonly process: ChildProcess;
  /** Resolves to the name of the reason when the process loses an acquisition. */
  readonly lost: Promise<string>;
  readonly #answers = new Map<number, (answer: Answer) => void>();
  #id = 0;

  static async start(server: RedisServer, options: PeerOptions): Promise<Peer> {
    const program = fileURLToPath(new URL("./peer.js", import.meta.url));
    const child = fork(program, [JSON.stringify({ ...options, port: server.port })]);
    const peer = new Peer(child);
    await once(child, "message");
    return peer;
  }

  private constructor(child: ChildProcess) {
    this.process = child;
    this.lost = new Promise((resolve) => {
      child.on("message", (answer: Answer) => {
        if (answer.lost !== undefined) resolve(answer.reason!);
        if (answer.id !== undefined) this.#answers.get(answer.id)?.(answer);
      });
    });
    onTestFinished(() => this.kill());
  }

  ask(order: string, ...args: unknown[]): Promise<unknown> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#answers.set(id, ({ result, error }) => (error ? reject(new Error(error)) : resolve(result)));
      this.process.send({ id, order, args });
    });
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill("SIGKILL");
    await once(this.process, "exit");
  }
}
