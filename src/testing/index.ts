/**
 * A clock for tests, which is moved by hand.
 *
 * @module
 */
export { ManualClock } from "./manual-clock.ts";
