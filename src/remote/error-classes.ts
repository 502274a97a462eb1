/**
 * This folder has the parts that all remote backends share. This file has the classes of errors by name: an error that has crossed a
 * channel becomes one of its own class again.
 */
// Each class is imported by name: a namespace used as a value keeps bundlers from dropping unused exports.
import {
  AcquireTimeoutError,
  AcquisitionReleasedError,
  BackendRefusedError,
  BackendUnavailableError,
  CannotBlockError,
  CannotShareError,
  CoreBlockedError,
  classNameOf,
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
} from "../errors.ts";

/** A class, as far as giving an error its prototype goes. The constructor is never called. */
export interface ErrorClass<T = unknown> {
  readonly prototype: T;
  readonly name: string;
}

/** Classes of errors, each under its own name. */
export type ErrorClasses = ReadonlyMap<string, ErrorClass>;

/** All classes of errors that `limitset` itself exports. */
export const limitErrorClasses: readonly ErrorClass<LimitError>[] = [
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
];

/** The classes of errors among `values`. Of several with one name the last counts. */
export function classesIn(values: readonly unknown[]): ErrorClasses {
  return new Map(values.filter(isErrorClass).map((known) => [classNameOf(known), known]));
}

function isErrorClass(value: unknown): value is ErrorClass<Error> {
  if (typeof value !== "function") return false;
  const { prototype } = value as { readonly prototype?: unknown };
  return prototype instanceof Error || value === Error;
}
