/** Makes the queue of a set where timers belong to HTTP requests (workerd). */
import { SetClock } from "../platform/set-clock.ts";
import type { Gate, Queue } from "./gate.ts";
import { LocalQueue } from "./local-queue.ts";
import { WorkerdQueue } from "./workerd-queue.ts";

/** Only the timers of the platform's clock belong to HTTP requests: with any other clock, a local queue does. */
export function queueFor<T>(limits: number, gate: Gate<T>): Queue<T> {
  return gate.clock instanceof SetClock && gate.clock.isPlatform
    ? new WorkerdQueue(limits, gate)
    : new LocalQueue(limits, gate);
}
