/** `for` of a set without partitions: it has no names to take. */
import { NAMELESS, nameMore, type PartitionNames, type ViewOptions } from "../limits/partition-names.ts";

const NONE = { dimensions: [], tiers: [] };

/**
 * The set itself, if `names` names nothing.
 *
 * @throws {InvalidRequestError} if it does.
 */
export function withoutViews<S>(set: S, names: PartitionNames, options: ViewOptions = {}): S {
  nameMore(NAMELESS, names, options, NONE);
  return set;
}
