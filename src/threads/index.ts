/**
 * One set for all threads of a process, in memory that they share.
 *
 * @module
 */
export { type AttachOptions, attachLimits } from "./attach.ts";
export type { LimitSetHandle } from "./handle.ts";
export { type SharedLimits, shareLimits } from "./share.ts";
export type { ThreadLike } from "./thread-end.ts";
