/**
 * Shares one set among the threads of a process: it lies in memory from which all of them take.
 *
 * @module
 */
export { type AttachOptions, attachLimits } from "./attach.ts";
export type { LimitSetHandle, SpreadLimitSetHandle } from "./handle.ts";
export { type SharedLimits, shareLimits } from "./share.ts";
export { SpreadLimitSet } from "./spread-limit-set.ts";
export type { SpreadLimitSetOptions } from "./spread-options.ts";
export type { SpreadLimitSetView } from "./spread-view.ts";
export type { ThreadLike } from "./thread-end.ts";
