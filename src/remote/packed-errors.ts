/** Errors that cross a channel and arrive as what they were. */

import { BackendUnavailableError, LimitError } from "../errors.ts";
import { limitErrorClasses } from "./error-classes.ts";

/** An error as plain data. */
export interface PackedError {
  readonly code: string;
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Errors that are not the library's are the host's own trouble. */
export function packError(error: unknown): PackedError {
  if (!(error instanceof LimitError)) {
    const message = `the host failed: ${error instanceof Error ? error.message : String(error)}`;
    return packError(new BackendUnavailableError(message));
  }
  const { code, name, message, stack: _, ...fields } = error as LimitError & Record<string, unknown>;
  return { code, name: error.constructor.name, message, fields: { ...fields, name } };
}

export function unpackError(packed: unknown): Error {
  const { code, name, message, fields } = (packed ?? {}) as Partial<PackedError>;
  const known = limitErrorClasses.find((candidate) => candidate.name === name);
  if (!known || typeof code !== "string" || typeof message !== "string") {
    return new BackendUnavailableError("the host answered with an error that makes no sense");
  }
  const error = new LimitError(code, message);
  Object.setPrototypeOf(error, known.prototype);
  return Object.assign(error, fields);
}
