/** A clock that moves only when it is told to. */
import type { Clock } from "../platform/clock.ts";

interface ManualTimer {
  at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * A clock for tests: pass it as the `clock` of a set, and move time by hand. Time stands still in between, and timers run only
 * when the clock passes them.
 *
 * @throws a `RangeError` if a time is no finite number.
 * @example
 * const clock = new ManualClock();
 * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })], clock });
 * limits.tryAcquire().successful; // true
 * limits.tryAcquire().successful; // false
 * clock.advance(1000);
 * limits.tryAcquire().successful; // true
 */
export class ManualClock implements Clock {
  #now: number;
  #timers = new Set<ManualTimer>();
  #orders = 0;

  /** Starts at `startMs`, in milliseconds since the Unix epoch. Default: 2025-01-01T00:00:00Z. */
  constructor(startMs: number = Date.UTC(2025, 0, 1)) {
    this.#now = check("startMs", startMs);
  }

  /** @internal Vue makes no proxy of it. */
  get __v_skip(): boolean {
    return true;
  }

  /** The time, in milliseconds since the Unix epoch. */
  now(): number {
    return this.#now;
  }

  /** How many timers are set and have neither run nor been cleared. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Calls back once, when the clock has been moved on by `ms` milliseconds. Returns the timer. */
  setTimeout(callback: () => void, ms: number): unknown {
    const timer: ManualTimer = { at: this.#now + Math.max(0, ms), order: this.#orders++, callback };
    this.#timers.add(timer);
    return timer;
  }

  /** Clears a timer that `setTimeout` returned. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as ManualTimer);
  }

  /**
   * Moves on by `ms` milliseconds, 0 or more, and runs the timers that become due, each at its own time.
   *
   * @throws a `RangeError` if `ms` is below 0 or no finite number.
   * @example
   * const clock = new ManualClock(0);
   * clock.advance(1500);
   * clock.now(); // 1500
   */
  advance(ms: number): void {
    this.set(this.#now + checkAdvance(ms));
  }

  /**
   * Moves to `ms`, in milliseconds since the Unix epoch, and runs the timers that are due by then. The clock may go back: as on a
   * real one, timers then have as long to run as before.
   *
   * @throws a `RangeError` if `ms` is no finite number.
   * @example
   * const clock = new ManualClock();
   * clock.set(0);
   * clock.now(); // 0
   */
  set(ms: number): void {
    const end = check("ms", ms);
    for (let timer = this.#nextDue(end); timer; timer = this.#nextDue(end)) this.#run(timer);
    this.#moveTo(end);
  }

  /**
   * Does what `advance` does, and lets promises settle before the first timer and after each one. Use it where code awaits
   * between two timers.
   *
   * @throws a `RangeError` if `ms` is below 0 or no finite number.
   * @example
   * const clock = new ManualClock();
   * const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })], clock });
   * await limits.acquire();
   * const second = limits.acquire();
   * await clock.advanceAsync(1000);
   * (await second).successful; // true
   */
  async advanceAsync(ms: number): Promise<void> {
    await this.setAsync(this.#now + checkAdvance(ms));
  }

  /**
   * Does what `set` does, and lets promises settle before the first timer and after each one.
   *
   * @throws a `RangeError` if `ms` is no finite number.
   */
  async setAsync(ms: number): Promise<void> {
    const end = check("ms", ms);
    await settled();
    for (let timer = this.#nextDue(end); timer; timer = this.#nextDue(end)) {
      this.#run(timer);
      await settled();
    }
    this.#moveTo(end);
    await settled();
  }

  #moveTo(end: number): void {
    if (end < this.#now) for (const timer of this.#timers) timer.at += end - this.#now;
    this.#now = end;
  }

  #run(timer: ManualTimer): void {
    this.#timers.delete(timer);
    this.#now = Math.max(this.#now, timer.at);
    timer.callback();
  }

  #nextDue(end: number): ManualTimer | undefined {
    let next: ManualTimer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }
}

// Kept here, since a test framework may replace it later.
const { setImmediate } = globalThis as { setImmediate?(callback: () => void): unknown };

// Promises that follow one another in code under test: where nothing arrives after all callbacks, so many of them are awaited.
const MANY_TURNS = 1000;

/**
 * Resolves after all callbacks of promises: a message arrives after these, and test frameworks do not fake messages. A platform
 * without channels, such as jsdom, is waited for in another way.
 */
async function settled(): Promise<void> {
  if (typeof MessageChannel === "undefined") {
    for (let turn = 0; turn < MANY_TURNS; turn++) await undefined;
    if (setImmediate) await new Promise<void>((resolve) => setImmediate(resolve));
    return;
  }
  await new Promise<void>((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(undefined);
  });
}

function check(name: string, ms: number): number {
  if (Number.isFinite(ms)) return ms;
  throw new RangeError(`${name} must be a finite number of milliseconds, got ${ms}`);
}

function checkAdvance(ms: number): number {
  if (ms >= 0) return check("ms", ms);
  throw new RangeError(`advance by 0 or more milliseconds, got ${ms}; set() may go back`);
}
