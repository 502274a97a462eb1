/** Makes the queue of a set. */
// In the build for workerd this is queue-for-workerd.ts: see scripts/build.js.
import type { Gate, Queue, QueueOptions } from "./gate.ts";
import { LocalQueue } from "./local-queue.ts";

export function queueFor<T>(limits: number, gate: Gate<T>, options: QueueOptions): Queue<T> {
  return new LocalQueue(limits, gate, options);
}
