/** A thread or a process that has just been started: the channel to it, and its end. */
import type { ChildProcess, ForkOptions } from "node:child_process";
import type { Worker as NodeThread } from "node:worker_threads";
import { builtin } from "../platform/builtin.ts";
import { hasLocks, whenFree } from "../platform/locks.ts";
import type { EndpointLike } from "../port/endpoint.ts";
import type { ThreadLike } from "../threads/thread-end.ts";
import { InvalidWorkerError } from "./errors.ts";

export interface Channel {
  readonly endpoint: EndpointLike;
  /** The thread, if it is one: it may share memory. */
  readonly thread: ThreadLike | undefined;
  /** The lock by which its end shows, if it does in no other way. To be watched once it is held. */
  readonly lock: string | undefined;
  watchLock(): void;
  /** Whether the program has to live on because of it. */
  hold(busy: boolean): void;
  /** Ends it at once. */
  kill(): void;
  /** Settles when it has ended. */
  readonly ended: Promise<Ending>;
}

/** How it ended. */
export interface Ending {
  readonly how: string;
  readonly cause: unknown;
}

interface WebWorker extends ThreadLike {
  addEventListener(event: string, listener: (event: WorkerEvent) => void): void;
  terminate(): void;
}

interface WorkerEvent {
  readonly message?: string;
  readonly error?: unknown;
  preventDefault(): void;
}

type Threads = typeof import("node:worker_threads");
type Processes = typeof import("node:child_process");

/** @throws {InvalidWorkerError} where there are no threads. */
export function openThread(): Channel {
  const threads = builtin<Threads>("node:worker_threads");
  if (threads) return ofNodeThread(new threads.Worker(new URL("./entry.js", import.meta.url)));
  // Bundlers look for just this expression, and take the file along.
  if ("Worker" in globalThis)
    return ofWebWorker(new Worker(new URL("./entry.js", import.meta.url), { type: "module" }));
  throw new InvalidWorkerError(`there are no threads here: use mode "sync" or "async"`);
}

/** @throws {InvalidWorkerError} where there are no processes. */
export function openProcess(): Channel {
  const processes = builtin<Processes>("node:child_process");
  if (!processes) throw new InvalidWorkerError(`there are no processes here: use another mode`);
  // Structured cloning: errors, dates, maps and bytes arrive as what they were.
  const options: ForkOptions = { serialization: "advanced" };
  const { fileURLToPath } = builtin<typeof import("node:url")>("node:url")!;
  return ofChild(processes.fork(fileURLToPath(new URL("./entry.js", import.meta.url)), options));
}

function ofNodeThread(thread: NodeThread): Channel {
  let cause: unknown;
  thread.once("error", (error) => {
    cause = error;
  });
  const ended = new Promise<Ending>((resolve) => {
    thread.once("exit", (code) => resolve({ how: `its thread exited with code ${code}`, cause }));
  });
  return {
    endpoint: thread,
    thread,
    lock: undefined,
    watchLock() {},
    hold: (busy) => (busy ? thread.ref() : thread.unref()),
    kill: () => void thread.terminate(),
    ended,
  };
}

function ofChild(child: ChildProcess): Channel {
  let cause: unknown;
  const ended = new Promise<Ending>((resolve) => {
    child.once("exit", (code, signal) => {
      const how = signal ? `was ended by ${signal}` : `exited with code ${code}`;
      resolve({ how: `its process ${how}`, cause });
    });
    child.on("error", (error) => {
      cause = error;
      if (child.pid === undefined) resolve({ how: "its process could not be started", cause });
    });
  });
  return {
    endpoint: child as EndpointLike,
    thread: undefined,
    lock: undefined,
    watchLock() {},
    hold(busy) {
      const turn = busy ? "ref" : "unref";
      child[turn]();
      // Bun's channels have neither.
      child.channel?.[turn]?.();
    },
    kill: () => void child.kill("SIGKILL"),
    ended,
  };
}

function ofWebWorker(worker: WebWorker): Channel {
  const lock = hasLocks ? `limitset worker ${crypto.randomUUID()}` : undefined;
  let end: (ending: Ending) => void = () => {};
  const ended = new Promise<Ending>((resolve) => {
    end = resolve;
  });
  const crash = (event: WorkerEvent) => {
    event.preventDefault();
    worker.terminate();
    end({
      how: event.message ? `its thread failed: ${event.message}` : "its thread failed",
      cause: event.error,
    });
  };
  worker.addEventListener("error", crash);
  worker.addEventListener("close", () => end({ how: "its thread ended", cause: undefined }));
  return {
    endpoint: worker,
    thread: worker,
    lock,
    watchLock() {
      if (lock !== undefined) whenFree(lock, () => end({ how: "its thread ended", cause: undefined }));
    },
    hold() {},
    kill() {
      worker.terminate();
      end({ how: "its thread was terminated", cause: undefined });
    },
    ended,
  };
}
