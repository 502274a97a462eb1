export type { Clock } from "./clock.ts";
export type { AcquireOptions, Acquisition, Amounts, Awaitable, Limits, LimitView } from "./contract.ts";
export {
  AcquireTimeoutError,
  AcquisitionReleasedError,
  BackendUnavailableError,
  CannotBlockError,
  CannotShareError,
  CoreBlockedError,
  DeadlockError,
  InvalidHandleError,
  InvalidLimitError,
  InvalidRequestError,
  LimitError,
  LimitSetClosedError,
  TooManyThreadsError,
  UnreleasedAcquisitionWarning,
  UsageExceedsRequestedError,
  UsageNotReportedError,
} from "./errors.ts";
export type { LimitSetHandle } from "./handle.ts";
export { LimitSet, type LimitSetOptions } from "./limit-set.ts";
export {
  CallLimit,
  type CallLimitOptions,
  type Limit,
  type LimitLike,
  type Overage,
  RateLimit,
  RateLimitAlgorithm,
  type RateLimitOptions,
  ResourceLimit,
  type ResourceLimitOptions,
} from "./limits.ts";
export type { LimitStats } from "./stats.ts";
export type { ThreadLike } from "./thread-end.ts";
