/** Errors of workers themselves; limits and methods throw their own. */
import { LimitError, show } from "../errors.ts";

/**
 * A worker's options, class or module are invalid: thrown by `options` and `init`. Where it shows only on the thread or in the
 * process, calls reject with it.
 */
export class InvalidWorkerError extends LimitError {
  static override get code() {
    return "ERR_INVALID_WORKER" as const;
  }

  constructor(message: string) {
    super(new.target.code, message);
  }
}

// No static method: a class that names itself is renamed in the build, and its errors with it.
export function invalidOption(option: string, value: unknown, bounds: string): InvalidWorkerError {
  return new InvalidWorkerError(`${option} must be ${bounds}, got ${show(value)}`);
}

/** The call came after `stop()`, or was still running when the `timeoutMs` of `stop()` was over. */
export class WorkerStoppedError extends LimitError {
  static override get code() {
    return "ERR_WORKER_STOPPED" as const;
  }

  constructor(why: "before" | "meanwhile") {
    super(
      new.target.code,
      why === "before"
        ? "the worker has been stopped: make a new one with init()"
        : "the worker was stopped before the call had ended: give stop() a longer timeoutMs",
    );
  }
}

/**
 * The thread or process ended during the call. All acquisitions of the call are released; its other effects are not known. `cause` is the
 * error that ended it, where there is one.
 */
export class WorkerCrashedError extends LimitError {
  static override get code() {
    return "ERR_WORKER_CRASHED" as const;
  }

  constructor(how: string, cause?: unknown) {
    super(
      new.target.code,
      `the worker ended during the call: ${how}; find out why from the error's cause and the worker's output, and call again only if the call may be made twice`,
    );
    if (cause !== undefined) this.cause = cause;
  }
}

/** An argument or a result cannot be sent between threads or processes. `cause` is the platform's own error. */
export class CannotCrossError extends LimitError {
  static override get code() {
    return "ERR_CANNOT_CROSS" as const;
  }

  constructor(what: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      new.target.code,
      `${what} cannot cross threads: ${why}; send data that structured cloning carries, or use mode "sync" or "async"`,
    );
    this.cause = cause;
  }
}

/** Code that a method has left running asked for limits after its call, or its attempt, had ended. Nothing was taken. */
export class CallEndedError extends LimitError {
  static override get code() {
    return "ERR_CALL_ENDED" as const;
  }

  constructor() {
    super(
      new.target.code,
      "the call has ended, so it cannot take limits any more: await in the method everything that the method starts",
    );
  }
}

/** `retryUntil` accepted the result of no attempt. */
export class ResultNotAcceptedError extends LimitError {
  /** How many attempts were made. */
  readonly attempts: number;
  /** The result of the last attempt. */
  readonly result: unknown;

  static override get code() {
    return "ERR_RESULT_NOT_ACCEPTED" as const;
  }

  constructor(method: string, attempts: number, result: unknown) {
    super(
      new.target.code,
      `retryUntil accepted no result of ${method}() in ${attempts} attempt${attempts === 1 ? "" : "s"}, the last being ${show(result)}`,
    );
    this.attempts = attempts;
    this.result = result;
  }
}

/** All classes above: an error that crosses a channel becomes one of its own class again. */
export const workerErrorClasses: readonly unknown[] = [
  InvalidWorkerError,
  WorkerStoppedError,
  WorkerCrashedError,
  CannotCrossError,
  CallEndedError,
  ResultNotAcceptedError,
];
