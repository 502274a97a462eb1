/** Which values can be sent: those that structured cloning copies, since channels and threads carry just these. */
import { CannotShareError } from "../errors.ts";
import { textOf } from "./text.ts";

export function isSendable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * A copy of a set's `config`, as the other side receives it.
 *
 * @throws {CannotShareError} if it cannot be sent.
 */
export function sendableConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return structuredClone(config);
  } catch (error) {
    throw new CannotShareError(`its config cannot be sent: ${textOf(error)}`);
  }
}
