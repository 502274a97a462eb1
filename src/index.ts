/**
 * The main entry: limits, the set that takes from them together, acquisitions, and errors.
 *
 * @module
 */
export type {
  AcquireOptions,
  Acquisition,
  Amounts,
  Awaitable,
  Limits,
  LimitView,
  OrMore,
  PartitionNames,
  Prospect,
  StatsByKey,
  ViewOptions,
} from "./contract.ts";
export {
  AcquireTimeoutError,
  AcquisitionReleasedError,
  BackendRefusedError,
  BackendUnavailableError,
  CannotBlockError,
  CannotShareError,
  CoreBlockedError,
  DeadlockError,
  InvalidClockError,
  InvalidHandleError,
  InvalidLimitError,
  InvalidRequestError,
  LimitError,
  LimitSetClosedError,
  PartitionsFullError,
  QueueFullError,
  SameVersionWarning,
  TooManyThreadsError,
  UnreleasedAcquisitionWarning,
  UsageExceedsRequestedError,
  UsageNotReportedError,
  WaitTooLongError,
} from "./errors.ts";
export { LimitSet } from "./limit-set.ts";
export type { Inherit, RedefineOptions, Redefinition } from "./limits/era.ts";
export {
  type CalendarOptions,
  CallLimit,
  type CallLimitOptions,
  type Every,
  type KeyedRateOptions,
  type KeylessCallOptions,
  type Limit,
  type LimitLike,
  type Overage,
  type PartitionFields,
  type RateFields,
  RateLimit,
  RateLimitAlgorithm,
  type RateLimitOptions,
  ResourceLimit,
  type ResourceLimitOptions,
  type Tier,
  type Tiers,
  type WindowOptions,
} from "./limits/limits.ts";
export type { LimitSetOptions } from "./limits/options.ts";
export type { PartitionOptions } from "./limits/partition-options.ts";
export type { LimitStats } from "./limits/stats.ts";
export type { Clock } from "./platform/clock.ts";
export type { LimitSetView } from "./views/limit-set-view.ts";
export type { PartitionCounts } from "./views/shape.ts";
