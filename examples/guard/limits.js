// The limits of all processes together.
import { CallLimit, LimitSet, ResourceLimit } from "limitset";

/** @param {{ calls: number, slots: number, windowMs?: number }} options */
export function makeLimits({ calls, slots, windowMs = 60_000 }) {
  return new LimitSet({
    limits: [
      new CallLimit({ key: "calls", capacity: calls, windowMs }),
      new ResourceLimit({ key: "in_flight", capacity: slots }),
    ],
    maxWaiting: 1000,
  });
}
