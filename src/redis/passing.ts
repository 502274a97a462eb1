/** How waiters go on in another era of their set. */
import type { Request } from "./place.ts";
import type { Waiter } from "./waiter.ts";

/** Turns the requests of waiters into such of the next era. `reject` ends those that could never pass; `grant` those that want nothing. */
export function passAll(
  waiters: Iterable<Waiter>,
  pass: (request: Request) => Request,
  demandOf: (request: Request) => readonly number[],
  reject: (waiter: Waiter, error: unknown) => void,
  grant: (waiter: Waiter) => void,
): void {
  for (const waiter of [...waiters]) {
    waiter.line = undefined;
    try {
      waiter.renew(pass(waiter.request), demandOf);
    } catch (error) {
      reject(waiter, error);
      continue;
    }
    // Of the limits that it waited for none may be left.
    if (waiter.request.units.every((count) => count === 0)) grant(waiter);
  }
}
