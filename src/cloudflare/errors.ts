/** What can go wrong with Durable Objects only. */
import { LimitError } from "../errors.ts";

/** A `LimitSetObject` was made outside of workerd, or by a bundler that did not resolve the condition `workerd`. */
export class CannotHostError extends LimitError {
  constructor() {
    super(
      "ERR_CANNOT_HOST",
      'a LimitSetObject lives in workerd only: bundle with the condition "workerd", as wrangler does, and let the runtime make it',
    );
  }
}
