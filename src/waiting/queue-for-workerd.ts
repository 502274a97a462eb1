/** Makes the queue of a set where timers belong to HTTP requests (workerd). */
import { SetClock } from "../platform/set-clock.ts";
import type { Gate, Queue, QueueOptions } from "./gate.ts";
import { LocalQueue } from "./local-queue.ts";
import { WorkerdQueue } from "./workerd-queue.ts";

/** Only the timers of the platform's clock belong to HTTP requests: with any other clock, a local queue does. */
export function queueFor<T>(limits: number, gate: Gate<T>, options: QueueOptions): Queue<T> {
  const { clock } = gate;
  const QueueOf = clock instanceof SetClock && clock.isPlatform ? WorkerdQueue : LocalQueue;
  return new QueueOf(limits, gate, options);
}
