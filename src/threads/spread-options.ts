/** The options of a spread set, and the parts that it begins with. */
import { InvalidLimitError, show } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { checkOptions } from "../limits/known-options.ts";
import { type LimitLike, toLimits } from "../limits/limits.ts";
import { type LimitSetOptions, SET_OPTIONS } from "../limits/options.ts";
import { checkPartitionOptions } from "../limits/partition-options.ts";
import { warnOnce } from "../platform/warning.ts";
import { drawKey } from "../spread/choice.ts";
import { checkParts, spreadingDimension } from "../spread/rule.ts";
import { warningOf } from "../spread/warnings.ts";
import { openParts, type PARTS, type SpreadParts } from "./spread-parts.ts";

/** The options of a `SpreadLimitSet`: those of a `LimitSet`, and `heads`. */
export interface SpreadLimitSetOptions<
  M extends string = string,
  K extends string = M,
  D extends string = string,
> extends LimitSetOptions<M, K, D> {
  /** One limit or more, all of them `per` the same dimension. */
  readonly limits: readonly LimitLike<K, M, D>[];
  /**
   * Into how many parts the partitions are spread, by the hash of their names: a whole number from 1 to 1024. Each part has its share of
   * the dimension's `max`, a queue of `maxWaiting`, and memory of its own. Default: 8.
   */
  readonly heads?: number;
}

const DEFAULT_HEADS = 8;

/** The options of a set that has its parts already. */
export interface OptionsWithParts<M extends string, K extends string> {
  readonly [PARTS]?: SpreadParts<M, K>;
}

/** The parts of a new set. */
export function partsBy<M extends string, K extends string, D extends string>(
  options: SpreadLimitSetOptions<M, K, D>,
): SpreadParts<M, K> {
  checkOptions("a SpreadLimitSet", options, [...SET_OPTIONS, "heads"]);
  const { heads = DEFAULT_HEADS, ...rest } = options;
  const limits = toLimits(options.limits ?? []);
  const dimension = spreadingDimension(limits);
  const count = checkParts("heads", heads);
  const [{ max }] = checkPartitionOptions(limits, rest) as unknown as [{ max: number }];
  if (max < count) {
    const bounds = `at most ${max}, which is the max of ${show(dimension)}: each part has one partition at least`;
    throw new InvalidLimitError("heads", heads, bounds);
  }
  const own = { ...rest.partitions?.[dimension as D], max: Math.floor(max / count) };
  const onWarning = rest.onWarning ?? warnOnce();
  return openParts(count, drawKey(), (i) => {
    return new LimitSet({
      ...rest,
      limits,
      onWarning: warningOf(i, onWarning),
      partitions: { [dimension]: own },
    } as never);
  });
}
