/** The one place that reads time. */

/** Where a set gets its time and its timers from. */
export interface Clock {
  /** Milliseconds since the Unix epoch, with fractions; never backwards if it can. */
  now(): number;
  /** Calls back once, `ms` milliseconds (with fractions) from now. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Disarms a timer that `setTimeout` returned. */
  clearTimeout(timer: unknown): void;
}

/** What `setTimeout` takes at most: 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Makes a timer no reason for a process to go on, where the platform knows such a thing. */
export function unref(timer: unknown): void {
  (timer as { unref?(): void } | undefined)?.unref?.();
}

// A test framework may have been here first; its functions are not the engine's own.
const isReal = Function.prototype.toString.call(Date.now).includes("[native code]");
const dateNow = isReal ? Date.now : undefined;
const realSetTimeout = isReal ? globalThis.setTimeout : undefined;
// Kept, because looking the global up costs as much as a bucket's arithmetic.
const monotonic = performance;
const origin = monotonic.timeOrigin;

/**
 * The platform's monotonic clock. Under a test framework's fake timers (those that replace both `Date` and
 * `setTimeout`) it follows the fake date.
 */
export const systemClock: Clock = {
  now: () => (Date.now === dateNow ? origin + monotonic.now() : fakeNow()),
  // Timers count in whole milliseconds: rounding down would wake before the time.
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, Math.ceil(ms)),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof setTimeout>),
};

function fakeNow(): number {
  return globalThis.setTimeout === realSetTimeout ? origin + monotonic.now() : Date.now();
}

/** What the two clocks of a thread showed at one moment, in milliseconds since the Unix epoch. */
export interface Reading {
  readonly monotonic: number;
  readonly wall: number;
}

export function readBoth(): Reading {
  return { monotonic: origin + monotonic.now(), wall: Date.now() };
}

// Wall clocks are read in milliseconds, some of them coarser.
const NOTICEABLE_MS = 20;

/**
 * The platform's clock, in agreement with that of a thread in which it showed `theirs`. Monotonic clocks run alike in all
 * threads, but some runtimes set each by the wall clock when its thread starts: if the wall clock was set in between,
 * they differ by as much as they have since moved away from it.
 */
export function agreeing(theirs: Reading): Clock {
  const ours = readBoth();
  const behind = ours.wall - ours.monotonic - (theirs.wall - theirs.monotonic);
  if (Math.abs(behind) < NOTICEABLE_MS) return systemClock;
  return { ...systemClock, now: () => systemClock.now() + behind };
}
