/** What can go wrong with workers themselves, besides what their limits and methods throw. */
import { LimitError, show } from "../errors.ts";

/** A worker's options, class or module make no sense: thrown by `options` and `init`, or by calls where it shows late. */
export class InvalidWorkerError extends LimitError {
  constructor(message: string) {
    super("ERR_INVALID_WORKER", message);
  }

  /** @internal */
  static option(option: string, value: unknown, bounds: string): InvalidWorkerError {
    return new InvalidWorkerError(`${option} must be ${bounds}, got ${show(value)}`);
  }
}

/** Called after `stop()`, or still running when the time that `stop()` gives was over. */
export class WorkerStoppedError extends LimitError {
  constructor(why: "before" | "meanwhile") {
    super(
      "ERR_WORKER_STOPPED",
      why === "before"
        ? "the worker has been stopped: make a new one with init()"
        : "the worker was stopped before the call had ended: give stop() a longer timeoutMs",
    );
  }
}

/** The thread or process of a call ended during it. What it held of limits is back; what else it did is not known. */
export class WorkerCrashedError extends LimitError {
  constructor(how: string, cause?: unknown) {
    super(
      "ERR_WORKER_CRASHED",
      `the worker ended during the call: ${how}; to call again, name WorkerCrashedError in retryOn`,
    );
    if (cause !== undefined) this.cause = cause;
  }
}

/** An argument or a result that cannot be sent between threads or processes. */
export class CannotCrossError extends LimitError {
  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      "ERR_CANNOT_CROSS",
      `${what} cannot cross threads: ${why}; send data that structured cloning carries, or use mode "sync" or "async"`,
    );
    this.cause = cause;
  }
}

/** Limits were asked for by what a call has left running, after the call or the attempt had ended. Nothing was taken. */
export class CallEndedError extends LimitError {
  constructor() {
    super(
      "ERR_CALL_ENDED",
      "the call that asks for limits has ended, and with it all that it held: await in a method all that it starts",
    );
  }
}

/** No attempt had a result that `retryUntil` accepts. */
export class ResultNotAcceptedError extends LimitError {
  readonly attempts: number;
  /** That of the last attempt. */
  readonly result: unknown;

  constructor(method: string, attempts: number, result: unknown) {
    super(
      "ERR_RESULT_NOT_ACCEPTED",
      `retryUntil accepted no result of ${method}() in ${attempts} attempt${attempts === 1 ? "" : "s"}, the last being ${show(result)}`,
    );
    this.attempts = attempts;
    this.result = result;
  }
}

/** The classes above, by which errors that cross a channel become what they were. */
export const workerErrorClasses: readonly unknown[] = [
  InvalidWorkerError,
  WorkerStoppedError,
  WorkerCrashedError,
  CannotCrossError,
  CallEndedError,
  ResultNotAcceptedError,
];
