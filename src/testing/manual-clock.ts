/** A clock that only moves when it is told to. */
import type { Clock } from "../platform/clock.ts";

interface ManualTimer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/**
 * For tests: pass it as a set's `clock` and move time by hand.
 *
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

  /** Starts at `startMs` since the epoch. Default: 2025-01-01T00:00:00Z. */
  constructor(startMs: number = Date.UTC(2025, 0, 1)) {
    this.#now = check("startMs", startMs);
  }

  /** Milliseconds since the Unix epoch, as set by hand. */
  now(): number {
    return this.#now;
  }

  /** How many timers are armed. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Calls back once, when the clock has been moved on by `ms` milliseconds. */
  setTimeout(callback: () => void, ms: number): unknown {
    const timer: ManualTimer = { at: this.#now + Math.max(0, ms), order: this.#orders++, callback };
    this.#timers.add(timer);
    return timer;
  }

  /** Disarms a timer that `setTimeout` returned. */
  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as ManualTimer);
  }

  /** Moves on by `ms`, running the timers that become due, each at its time. */
  advance(ms: number): void {
    this.set(this.#now + checkAdvance(ms));
  }

  /** Moves to `ms` since the epoch; back is allowed. Runs the timers that are due by then. */
  set(ms: number): void {
    const end = check("ms", ms);
    for (let timer = this.#nextDue(end); timer; timer = this.#nextDue(end)) this.#run(timer);
    this.#now = end;
  }

  /** Like `advance`, and lets promises settle after each timer and at the end. */
  async advanceAsync(ms: number): Promise<void> {
    await this.setAsync(this.#now + checkAdvance(ms));
  }

  /** Like `set`, and lets promises settle after each timer and at the end. */
  async setAsync(ms: number): Promise<void> {
    const end = check("ms", ms);
    await settled();
    for (let timer = this.#nextDue(end); timer; timer = this.#nextDue(end)) {
      this.#run(timer);
      await settled();
    }
    this.#now = end;
    await settled();
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

/** Promise callbacks run before a message arrives, however many follow one another; and no test framework fakes those. */
function settled(): Promise<void> {
  return new Promise((resolve) => {
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
