/** The channel to a thread or process of a worker: how it is started, kept alive and ended, and how its end shows. */
import type { ChildProcess, ForkOptions } from "node:child_process";
import type { Worker as NodeThread } from "node:worker_threads";
import { builtin } from "../platform/builtin.ts";
import { hasLocks, whenFree } from "../platform/locks.ts";
import type { EndpointLike } from "../port/endpoint.ts";
import type { ThreadLike } from "../threads/thread-end.ts";
import { startProgram, urlOfProgram } from "./entry-place.ts";
import { InvalidWorkerError, invalidOption } from "./errors.ts";
import type { WorkerEntry } from "./options.ts";
import { hasInputType, optionsOfFiles } from "./program.ts";

export interface Channel {
  readonly endpoint: EndpointLike;
  /** The thread: it may share memory with this one. Undefined for a process. */
  readonly thread: ThreadLike | undefined;
  /** A lock that the other side holds while it lives. Undefined where its end shows in another way. */
  readonly lock: string | undefined;
  /** Watches the lock, from when the other side holds it. */
  watchLock(): void;
  /** Keeps this program alive, or lets it exit. */
  keepAlive(isBusy: boolean): void;
  /** Ends the thread or process at once. */
  kill(): void;
  /** Resolves when the thread or process has ended. */
  readonly ended: Promise<Ending>;
}

/** How a thread or process ended. */
export interface Ending {
  /** For an error message: "its thread exited with code 1". */
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

/**
 * Starts a thread, with the library's own program or with that of the option `entry`.
 *
 * @throws {InvalidWorkerError} where there are no threads, or the program is not there.
 */
export function openThread(entry: WorkerEntry | undefined): Channel {
  if (typeof entry === "function") return ofThread(entry());
  const threads = builtin<Threads>("node:worker_threads");
  if (threads) {
    const url = present(entry);
    // A thread inherits the flags of the program. With the type of a text, it loads files by import only.
    const text = hasInputType() ? `import(${JSON.stringify(url)})` : undefined;
    return ofNodeThread(text ? new threads.Worker(text, { eval: true }) : new threads.Worker(url));
  }
  if ("Worker" in globalThis) {
    return ofWebWorker(entry === undefined ? startProgram() : new Worker(entry, { type: "module" }));
  }
  throw new InvalidWorkerError('this runtime has no threads: use mode "sync" or "async"');
}

/** The channel to a thread that the option `entry` has started. */
function ofThread(thread: object): Channel {
  if ("once" in thread) return ofNodeThread(thread as NodeThread);
  if ("addEventListener" in thread) return ofWebWorker(thread as WebWorker);
  throw invalidOption("entry", thread, "a function that returns a Worker");
}

/**
 * The URL of a program.
 *
 * @throws {InvalidWorkerError} if it names a file that is not there: bundlers leave the library's own program out.
 */
function present(entry: URL | string | undefined): URL {
  const { pathToFileURL } = builtin<typeof import("node:url")>("node:url")!;
  const url = entry === undefined ? urlOfProgram() : toUrl(entry, pathToFileURL);
  if (url.protocol === "file:" && builtin<typeof import("node:fs")>("node:fs")?.existsSync(url) === false) {
    throw new InvalidWorkerError(
      `the program of threads and processes is not at ${url}: in a bundle, call serveWorker() in a program of its own, and name that by the option entry`,
    );
  }
  return url;
}

function toUrl(entry: URL | string, ofPath: (path: string) => URL): URL {
  return URL.canParse(String(entry)) ? new URL(entry) : ofPath(String(entry));
}

/**
 * Starts a process, with the library's own program or with that of the option `entry`.
 *
 * @throws {InvalidWorkerError} where there are no processes, or the program is not there.
 */
export function openProcess(entry: URL | string | undefined): Channel {
  const processes = builtin<Processes>("node:child_process");
  if (!processes)
    throw new InvalidWorkerError('this runtime has no processes: use mode "sync", "async" or "thread"');
  // With structured cloning, errors, dates, maps and bytes arrive with their types.
  const options: ForkOptions = { ...optionsOfFiles(), serialization: "advanced" };
  const { fileURLToPath } = builtin<typeof import("node:url")>("node:url")!;
  return ofChild(processes.fork(fileURLToPath(present(entry)), options));
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
    keepAlive: (isBusy) => (isBusy ? thread.ref() : thread.unref()),
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
    keepAlive(isBusy) {
      const method = isBusy ? "ref" : "unref";
      child[method]();
      // In Bun, channels have neither of the two.
      child.channel?.[method]?.();
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
    keepAlive() {},
    kill() {
      worker.terminate();
      end({ how: "its thread was terminated", cause: undefined });
    },
    ended,
  };
}
