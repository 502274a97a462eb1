/**
 * Objects whose methods run in this thread, on threads or in processes, with limits and retries.
 *
 * @module
 */
export type { RetryAlgorithm } from "./backoff.ts";
export type { LoadBalancing } from "./balance.ts";
export {
  CallEndedError,
  CannotCrossError,
  InvalidWorkerError,
  ResultNotAcceptedError,
  WorkerCrashedError,
  WorkerStoppedError,
} from "./errors.ts";
export type { WorkerMode } from "./mode.ts";
export type { WorkerEntry, WorkerOptions } from "./options.ts";
export type { AttemptInfo, ErrorClass, RetryOn, RetryOptions, RetryUntil } from "./policy.ts";
export type { StopOptions } from "./pool.ts";
export { serveWorker } from "./serve-worker.ts";
export type { CannotCross, Methods, Offered, ResultOf, Sendable } from "./types.ts";
export { type Initializer, type Running, Worker, type WorkerClass } from "./worker.ts";
