/** The text of values that come from elsewhere: their own conversions may throw. */
import { show } from "../errors.ts";

/** The message of an error, or the text of any other value that was thrown. It never throws itself. */
export function textOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? `${thrown.message}` : String(thrown);
  } catch {
    return show(thrown);
  }
}
