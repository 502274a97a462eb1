/** The library's classes of errors, by which those that have crossed a channel become what they were. */
import * as errors from "./errors.ts";

type LimitErrorClass = { readonly prototype: errors.LimitError; readonly name: string };

export const limitErrorClasses = Object.values(errors).filter(
  (value): value is typeof value & LimitErrorClass =>
    typeof value === "function" &&
    (value.prototype instanceof errors.LimitError || value === errors.LimitError),
);
