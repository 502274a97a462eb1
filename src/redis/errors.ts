/** Errors that only a set on a server can have. */
import { LimitError } from "../errors.ts";

/**
 * Under this name the server has a set that another version of this library has written, and that this one cannot read. Nothing was
 * taken. The code is `ERR_DEFINITION_MISMATCH`; the message shows both definitions.
 */
export class DefinitionMismatchError extends LimitError {
  static override get code() {
    return "ERR_DEFINITION_MISMATCH" as const;
  }

  constructor(name: string, theirs: string, ours: string) {
    super(
      new.target.code,
      `"${name}" on the server was written by another version of limitset: ${theirs}; here: ${ours}; use another name, or one version of limitset in all processes`,
    );
  }
}
