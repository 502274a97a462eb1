/** What a thread or process of a worker runs first. */

import { builtin } from "../platform/builtin.ts";
import type { EndpointLike } from "../port/endpoint.ts";
import { host } from "./host.ts";

interface ProcessLike {
  send?: unknown;
  on(event: "disconnect", listener: () => void): void;
  exit(): never;
}

const { process } = globalThis as { process?: ProcessLike };
const threads = builtin<{ parentPort: EndpointLike | null }>("node:worker_threads");

if (threads?.parentPort) {
  host(threads.parentPort);
} else if (process?.send) {
  host(process as never);
  // Whoever has started it is gone.
  process.on("disconnect", () => process.exit());
} else {
  host(globalThis as never);
}
