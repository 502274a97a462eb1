/** The program that a user writes for threads and processes, where a bundler has no place for the library's own. */
import { builtin } from "../platform/builtin.ts";
import type { EndpointLike } from "../port/endpoint.ts";
import type { Constructor } from "./instance.ts";
import { run } from "./runner.ts";

interface ProcessLike {
  send?: unknown;
  on(event: "disconnect", listener: () => void): void;
  exit(): never;
}

/**
 * Makes this thread or process one that runs the objects of a class. A module that does this is the program of a pool with the option
 * `entry`. Bundled programs need that: bundlers move classes to where no thread finds them.
 */
export function serveWorker(Class: new (...args: never[]) => object): void {
  runHere(Class);
}

/** Answers the calls that the starter of this thread or process sends. Without a class, the starter says where it is. */
export function runHere(Class?: Constructor): void {
  const { process } = globalThis as { process?: ProcessLike };
  const threads = builtin<{ parentPort: EndpointLike | null }>("node:worker_threads");
  if (threads?.parentPort) {
    run(threads.parentPort, Class);
  } else if (process?.send) {
    run(process as never, Class);
    // The program that has started this process is gone.
    process.on("disconnect", () => process.exit());
  } else {
    run(globalThis as never, Class);
  }
}
