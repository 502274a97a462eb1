/** Makes the queue of a set where timers belong to HTTP requests (workerd). */
import { systemClock } from "../platform/clock.ts";
import type { Gate, Queue } from "./gate.ts";
import { LocalQueue } from "./local-queue.ts";
import { WorkerdQueue } from "./workerd-queue.ts";

/** The timers of any other clock belong to no HTTP request. */
export function queueFor<T>(limits: number, gate: Gate<T>): Queue<T> {
  return gate.clock === systemClock ? new WorkerdQueue(limits, gate) : new LocalQueue(limits, gate);
}
