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
  /**
   * The time, in milliseconds since the Unix epoch, with fractions: from 1970 to 2255, or the call that reads it throws an
   * `InvalidClockError`. If it steps back by up to a second, a set stays at its latest time. If it steps back further, the set's
   * time goes on from where it was, and fixed windows begin by the clock again.
   */
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
 * The platform's monotonic clock, for the deadlines of messages and the like; sets have a `SetClock`. Under a test framework's
 * fake timers (those that replace both `Date` and `setTimeout`) it follows the fake date.
 */
export const systemClock: Clock = {
  now: systemNow,
  // The platform's timers count whole milliseconds: one that is rounded down would ring too early.
  setTimeout: (callback, ms) => globalThis.setTimeout(callback, Math.ceil(ms)),
  clearTimeout: (timer) => globalThis.clearTimeout(timer as ReturnType<typeof setTimeout>),
};

/** What `systemClock` reads. Engines inline a function that is always the same sooner than a method. */
export function systemNow(): number {
  return Date.now === dateNow ? origin + monotonic.now() : fakeNow();
}

function fakeNow(): number {
  return globalThis.setTimeout === realSetTimeout ? origin + monotonic.now() : Date.now();
}

/** The time of the platform's wall clock, in milliseconds since the Unix epoch; undefined where the date is faked. */
export function wallNow(): number | undefined {
  return Date.now === dateNow ? Date.now() : undefined;
}
