/**
 * Shares a set with threads: they take from the same memory, without passing messages.
 *
 * @module
 */
export { type AttachOptions, attachLimits } from "./attach.ts";
export type { LimitSetHandle } from "./handle.ts";
export { type SharedLimits, shareLimits } from "./share.ts";
export type { ThreadLike } from "./thread-end.ts";
