/** The errors that only Durable Objects have. */
import { LimitError } from "../errors.ts";

/** A `LimitSetObject` was constructed outside of workerd, or in a bundle that was made without the condition `workerd`. */
export class CannotHostError extends LimitError {
  static override get code() {
    return "ERR_CANNOT_HOST" as const;
  }

  constructor() {
    super(
      new.target.code,
      'a LimitSetObject runs in workerd only: bundle with the condition "workerd", as wrangler does, and let the runtime construct it',
    );
  }
}
