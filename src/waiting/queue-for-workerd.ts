/** The queue before a set where timers belong to requests (workerd). */
import { systemClock } from "../platform/clock.ts";
import type { Gate, Queue } from "./gate.ts";
import { WaitQueue } from "./local-queue.ts";
import { RequestQueue } from "./workerd-queue.ts";

/** The timers of any other clock belong to nobody. */
export function queueFor<T>(limits: number, gate: Gate<T>): Queue<T> {
  return gate.clock === systemClock ? new RequestQueue(limits, gate) : new WaitQueue(limits, gate);
}
