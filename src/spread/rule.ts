/** Which sets may be spread: those whose limits are all `per` one dimension, so that no request concerns two parts. */
import { InvalidLimitError, show } from "../errors.ts";
import type { Limit } from "../limits/limits.ts";

/**
 * The dimension by whose names a set with these limits is spread. `before` is that by which it is spread already.
 *
 * @throws {InvalidLimitError} if the limits are not all `per` one dimension.
 */
export function spreadingDimension(limits: readonly Limit[], before?: string): string {
  const dimension = before ?? limits.find(({ per }) => per !== undefined)?.per;
  if (limits.length === 0) {
    throw new InvalidLimitError("limits", limits, "one limit or more with `per`, since the set is spread");
  }
  const other = limits.find(({ per }) => per === undefined || per !== dimension);
  if (other) {
    const which = dimension === undefined ? "a dimension" : show(dimension);
    const why =
      "since a spread set has limits of one dimension only: the others need a set that is not spread";
    throw new InvalidLimitError("per", other.per, `${which}, ${why}`, other.key);
  }
  return dimension!;
}

const MOST_PARTS = 1024;

/**
 * Checks into how many parts a set is spread.
 *
 * @throws {InvalidLimitError} if it is no whole number from 1 to 1024.
 */
export function checkParts(option: string, value: unknown): number {
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MOST_PARTS)
    return value as number;
  throw new InvalidLimitError(option, value, `a whole number from 1 to ${MOST_PARTS}`);
}
