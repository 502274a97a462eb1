/** Errors that only a set on a server can have. */
import { LimitError } from "../errors.ts";

/**
 * Under this name the server has a set with other definitions. Nothing was taken. The code is
 * `ERR_DEFINITION_MISMATCH`; the message shows both definitions.
 */
export class DefinitionMismatchError extends LimitError {
  static override get code() {
    return "ERR_DEFINITION_MISMATCH" as const;
  }

  constructor(name: string, theirs: string, ours: string) {
    super(
      new.target.code,
      `"${name}" is defined otherwise on the server: ${theirs}; here: ${ours}; use another name, the same definitions, or redefine: true in one process`,
    );
  }
}
