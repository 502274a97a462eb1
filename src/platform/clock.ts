/** The clock of the platform. Only this file reads time. */

/**
 * The source of a set's time and timers: the option `clock` of a set.
 *
 * @example
 * const clock: Clock = {
 *   now: () => 0,
 *   setTimeout: (callback, ms) => setTimeout(callback, ms),
 *   clearTimeout: (timer) => clearTimeout(timer as number),
 * };
 * new LimitSet({ clock }).tryAcquire().successful; // true
 */
export interface Clock {
  /** The time, in milliseconds since the Unix epoch, with fractions. If it steps back, a set stays at its latest time. */
  now(): number;
  /** Calls back once, `ms` milliseconds (with fractions) from now. Returns the timer. */
  setTimeout(callback: () => void, ms: number): unknown;
  /** Clears a timer that `setTimeout` returned. */
  clearTimeout(timer: unknown): void;
}

/** The longest time that the platform's `setTimeout` takes: 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Lets the process end while the timer is set, where the runtime can do so. */
export function unref(timer: unknown): void {
  (timer as { unref?(): void } | undefined)?.unref?.();
}

// A test framework may have replaced them before this module was loaded: its functions are not the engine's own.
const real = <T>(read: () => T): T | undefined =>
  Function.prototype.toString.call(Date.now).includes("[native code]") ? read() : undefined;
// Marked as pure: a bundle without a clock leaves them out.
const dateNow = /* @__PURE__ */ real(() => Date.now);
const realSetTimeout = /* @__PURE__ */ real(() => globalThis.setTimeout);
// Kept here, since to look the global up costs as much as a bucket's arithmetic.
const monotonic = /* @__PURE__ */ (() => performance)();
const origin = /* @__PURE__ */ (() => monotonic.timeOrigin)();

/**
 * The platform's monotonic clock. Under a test framework's fake timers (those that replace both `Date` and
 * `setTimeout`) it follows the fake date.
 */
export const systemClock: Clock = {
  now: () => (Date.now === dateNow ? origin + monotonic.now() : fakeNow()),
  // The platform's timers count whole milliseconds: one that is rounded down would ring too early.
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, Math.ceil(ms)),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof setTimeout>),
};

function fakeNow(): number {
  return globalThis.setTimeout === realSetTimeout ? origin + monotonic.now() : Date.now();
}

/** The readings of a thread's two clocks at one moment, in milliseconds since the Unix epoch. */
export interface Reading {
  readonly monotonic: number;
  readonly wall: number;
}

export function readBoth(): Reading {
  return { monotonic: origin + monotonic.now(), wall: Date.now() };
}

// Wall clocks have readings in whole milliseconds, and some are coarser still.
const NOTICEABLE_MS = 20;

/**
 * The platform's clock, corrected so that it agrees with that of the thread which read `theirs`. Monotonic clocks run alike in
 * all threads, but some runtimes set each of them by the wall clock when its thread starts. If the wall clock was changed in
 * between, the two clocks differ by as much as their distances from the wall clock do.
 */
export function agreeing(theirs: Reading): Clock {
  const ours = readBoth();
  const behind = ours.wall - ours.monotonic - (theirs.wall - theirs.monotonic);
  if (Math.abs(behind) < NOTICEABLE_MS) return systemClock;
  return { ...systemClock, now: () => systemClock.now() + behind };
}
