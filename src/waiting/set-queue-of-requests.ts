/** The queue before a set where timers belong to requests (workerd). */
import { systemClock } from "../clock.ts";
import type { Gate, Queue } from "./gate.ts";
import { RequestQueue } from "./request-queue.ts";
import { WaitQueue } from "./wait-queue.ts";

/** The timers of any other clock belong to nobody. */
export function queueFor<T>(limits: number, gate: Gate<T>): Queue<T> {
  return gate.clock === systemClock ? new RequestQueue(limits, gate) : new WaitQueue(limits, gate);
}
