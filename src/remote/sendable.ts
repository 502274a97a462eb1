/** Whether structured cloning carries a value, and so channels and threads do. */
import { CannotShareError } from "../errors.ts";

export function isSendable(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/**
 * A copy of a set's `config`, as it arrives on the other side.
 *
 * @throws {CannotShareError} if it cannot be sent.
 */
export function sendableConfig(config: Readonly<Record<string, unknown>>): Record<string, unknown> {
  try {
    return structuredClone(config);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CannotShareError(`its config cannot be sent: ${why}`);
  }
}
