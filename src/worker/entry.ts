/** The program of a worker's threads and processes: runs the calls that arrive over the channel to their starter. */

import { builtin } from "../platform/builtin.ts";
import type { EndpointLike } from "../port/endpoint.ts";
import { run } from "./runner.ts";

interface ProcessLike {
  send?: unknown;
  on(event: "disconnect", listener: () => void): void;
  exit(): never;
}

const { process } = globalThis as { process?: ProcessLike };
const threads = builtin<{ parentPort: EndpointLike | null }>("node:worker_threads");

if (threads?.parentPort) {
  run(threads.parentPort);
} else if (process?.send) {
  run(process as never);
  // The program that has started this process is gone.
  process.on("disconnect", () => process.exit());
} else {
  run(globalThis as never);
}
