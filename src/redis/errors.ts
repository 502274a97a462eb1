/** Errors that only a set on a server can have. */
import { BackendUnavailableError, LimitError } from "../errors.ts";

/**
 * Under this name the server has a set with other definitions. Nothing was taken. The code is
 * `ERR_DEFINITION_MISMATCH`; the message shows both definitions.
 */
export class DefinitionMismatchError extends LimitError {
  constructor(name: string, theirs: string, ours: string) {
    super(
      "ERR_DEFINITION_MISMATCH",
      `"${name}" is defined otherwise on the server: ${theirs}; here: ${ours}; use another name, the same definitions, or redefine: true in one process`,
    );
  }
}

/** The error for a request that the server did not answer: because of `error`, or in time if that is undefined. */
export function unavailable(error: unknown): unknown {
  if (error instanceof LimitError) return error;
  const why = error === undefined ? "it has not answered in time" : messageOf(error);
  const unavailableError = new BackendUnavailableError(`the server cannot be reached: ${why}`);
  if (error !== undefined) unavailableError.cause = error;
  return unavailableError;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
