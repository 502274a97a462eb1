/** The library's classes of errors, by which those that have crossed a channel become what they were. */
// One by one: a namespace as a value keeps bundlers from leaving out what is not used.
import {
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
} from "../errors.ts";

type LimitErrorClass = { readonly prototype: LimitError; readonly name: string };

export const limitErrorClasses: readonly LimitErrorClass[] = [
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
];
