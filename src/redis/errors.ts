/** Errors that only a set on a server can have. */
import { LimitError } from "../errors.ts";

/**
 * Under this name the server has a set that another version of this library has written, and that this one cannot read; or one that
 * is spread over another number of slots. Nothing was taken. The code is `ERR_DEFINITION_MISMATCH`; the message shows both definitions.
 */
export class DefinitionMismatchError extends LimitError {
  static override get code() {
    return "ERR_DEFINITION_MISMATCH" as const;
  }

  constructor(
    name: string,
    theirs: string,
    ours: string,
    why = `was written by another version of limitset: ${theirs}; here: ${ours}; use another name, or one version of limitset in all processes`,
  ) {
    super(new.target.code, `"${name}" on the server ${why}`);
  }

  /** @internal The set is spread over other slots there, or is not spread. */
  static ofSlots(
    name: string,
    theirs: number | undefined,
    ours: number | undefined,
  ): DefinitionMismatchError {
    const [there, here] = [theirs, ours].map((slots) =>
      slots === undefined ? "is not spread" : `is spread over ${slots} slots`,
    );
    const why = `${there}; here it ${here}; use another name, or the same slots in all processes`;
    return new DefinitionMismatchError(name, there!, here!, why);
  }
}
