/** The error of names that have no place among the partitions of a set. */
import { LimitError } from "./limit-error.ts";
import { quote } from "./show.ts";

/**
 * All partitions of a dimension are in use whose `whenFull` is `"refuse"`, and the name has none: so nothing that is paused, charged or
 * lowered there could be kept. Nothing was changed. Try again later, or make the set with a larger `max`.
 */
export class PartitionsFullError extends LimitError {
  /** The dimension. */
  readonly dimension: string;
  /** The key of the limit that could not be changed. */
  readonly key: string;

  static override get code() {
    return "ERR_PARTITIONS_FULL" as const;
  }

  constructor(dimension: string, key: string, change: string) {
    super(
      new.target.code,
      `${change}() of ${quote(key)} would be lost: all partitions of ${quote(dimension)} are in use, and this name has none; try again later, or make the set with a larger partitions.${dimension}.max`,
    );
    this.dimension = dimension;
    this.key = key;
  }
}
