/** The warnings of a spread set. */
import { type LimitError, SameVersionWarning } from "../errors.ts";

/** Where the warnings of a part go. That a version has two definitions is told once, by the first. */
export function warningOf(
  part: number,
  onWarning: (warning: LimitError) => void,
): (warning: LimitError) => void {
  if (part === 0) return onWarning;
  return (warning) => {
    if (!(warning instanceof SameVersionWarning)) onWarning(warning);
  };
}
