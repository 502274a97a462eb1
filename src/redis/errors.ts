/** What can go wrong with a set on a server only. */
import { LimitError } from "../errors.ts";

/**
 * The lease on what an acquisition holds has ended before its release: this process was not heard of for `leaseMs`, or the
 * server has forgotten it. Others may hold the same by now. The reason of the acquisition's `signal`.
 */
export class LeaseLostError extends LimitError {
  constructor(why: string) {
    super("ERR_LEASE_LOST", `the resources held are held no more: ${why}`);
  }
}

/** Under this name the server has a set with other definitions. Nothing was taken. */
export class DefinitionMismatchError extends LimitError {
  constructor(name: string, theirs: string, ours: string) {
    super(
      "ERR_DEFINITION_MISMATCH",
      `"${name}" is defined otherwise on the server: ${theirs}; here: ${ours}; use another name, the same definitions, or redefine: true in one process`,
    );
  }
}
