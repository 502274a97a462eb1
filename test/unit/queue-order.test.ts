import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Acquisition, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { resource } from "../conformance/tools.ts";

const KEYS = ["a", "b", "c", "d"] as const;
type Key = (typeof KEYS)[number];
type Request = Record<Key, number>;
const CAPACITY = 3;

interface Waiter {
  readonly id: number;
  readonly request: Request;
}

/** A waiter goes if all limits would grant it after all waiters before it: as plainly as it can be written. */
class PlainQueue {
  readonly used: Request = { a: 0, b: 0, c: 0, d: 0 };
  waiting: Waiter[] = [];

  acquire(waiter: Waiter): number[] {
    this.waiting.push(waiter);
    return this.drain();
  }

  leave(id: number): number[] {
    this.waiting = this.waiting.filter((waiter) => waiter.id !== id);
    return this.drain();
  }

  release(request: Request): number[] {
    for (const key of KEYS) this.used[key] -= request[key];
    return this.drain();
  }

  /** Whether a try passes. */
  attempt(request: Request): boolean {
    const demand = { a: 0, b: 0, c: 0, d: 0 };
    for (const waiter of this.waiting) for (const key of KEYS) demand[key] += waiter.request[key];
    if (!this.#fits(request, demand)) return false;
    this.#take(request);
    return true;
  }

  drain(): number[] {
    const demand = { a: 0, b: 0, c: 0, d: 0 };
    const granted: number[] = [];
    this.waiting = this.waiting.filter(({ id, request }) => {
      if (this.#fits(request, demand)) {
        this.#take(request);
        granted.push(id);
        return false;
      }
      for (const key of KEYS) demand[key] += request[key];
      return true;
    });
    return granted;
  }

  #fits(request: Request, demand: Request): boolean {
    return KEYS.every((key) => request[key] === 0 || this.used[key] + demand[key] + request[key] <= CAPACITY);
  }

  #take(request: Request): void {
    for (const key of KEYS) this.used[key] += request[key];
  }
}

/** A reproducible die (Lehmer's generator). */
function die(seed: number): (sides: number) => number {
  let state = seed;
  return (sides) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % sides;
  };
}

test.each(Array.from({ length: 50 }, (_, i) => 101 + 7 * i))(
  "a random history is served as by the plain queue (%s)",
  async (seed) => {
    const roll = die(seed);
    const limits = new LimitSet({
      limits: KEYS.map((key) => resource(key, CAPACITY)),
      clock: new ManualClock(),
    });
    const plain = new PlainQueue();
    const held: { acq: Acquisition<Key>; request: Request }[] = [];
    const controllers = new Map<number, AbortController>();
    const requests: Request[] = [];
    let granted: number[] = [];

    const randomRequest = (): Request => {
      const amount = () => (roll(2) === 0 ? 0 : 1 + roll(CAPACITY));
      return { a: amount(), b: amount(), c: amount(), d: amount() };
    };
    const start = (id: number, request: Request) => {
      const controller = new AbortController();
      controllers.set(id, controller);
      limits.acquire(request, { signal: controller.signal }).then(
        (acq) => {
          granted.push(id);
          controllers.delete(id);
          held.push({ acq, request });
        },
        () => controllers.delete(id),
      );
    };

    for (let step = 0; step < 300; step++) {
      let expected: number[] = [];
      const action = roll(8);
      if (action < 3) {
        const id = requests.push(randomRequest()) - 1;
        start(id, requests[id]!);
        expected = plain.acquire({ id, request: requests[id]! });
      } else if (action < 6 && held.length > 0) {
        const [{ acq, request }] = held.splice(roll(held.length), 1) as [(typeof held)[number]];
        acq.release();
        expected = plain.release(request);
      } else if (action === 6 && controllers.size > 0) {
        const id = [...controllers.keys()][roll(controllers.size)]!;
        controllers.get(id)!.abort();
        expected = plain.leave(id);
      } else {
        const request = randomRequest();
        const acq = limits.tryAcquire(request);
        expect(acq.successful).toBe(plain.attempt(request));
        if (acq.successful) held.push({ acq, request });
      }
      await nextTurn();
      expect(granted).toEqual(expected);
      granted = [];
      expect(limits.waiting).toBe(plain.waiting.length);
    }
    expect(KEYS.map((key) => limits.stats()[key].used)).toEqual(KEYS.map((key) => plain.used[key]));
  },
);
