/**
 * A clock for tests, which stands still until it is moved by hand.
 *
 * @module
 */
export { ManualClock } from "./manual-clock.ts";
