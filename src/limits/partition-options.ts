/** The options of a set about its partitions, and their checks. */
import { InvalidLimitError, listKeys, show } from "../errors.ts";
import { checkOptions, isEverywhere } from "./known-options.ts";
import type { Limit } from "./limit.ts";
import { NONE } from "./lists.ts";
import { dimensionsOf } from "./partitioning.ts";

/** How many partitions a dimension has, and what happens beyond. */
export interface PartitionOptions {
  /**
   * How many partitions have a state to themselves at once: a whole number from 1 to 8,000,000. One that answers as if it had never been
   * used makes room for the next. Default: 100,000.
   */
  readonly max?: number | undefined;
  /**
   * What a new name gets if no partition makes room: a state that it shares with all such names, or a refusal. Default: `"share"`.
   */
  readonly whenFull?: "share" | "refuse" | undefined;
}

/** The same, with the defaults filled in. */
export interface DimensionOptions {
  readonly name: string;
  readonly max: number;
  /** Whether new names are refused, and do not share a state, where no partition makes room. */
  readonly refuses: boolean;
}

const DEFAULT_MAX = 100_000;
const MOST_PARTITIONS = 8_000_000;

/** The dimensions of a set with these limits, in order, each with its options. */
export function checkPartitionOptions(
  limits: readonly Limit[],
  options: {
    readonly partitions?: Readonly<Record<string, PartitionOptions | undefined>> | undefined;
    readonly fairBy?: string | undefined;
    readonly agingMs?: number | undefined;
  },
): readonly DimensionOptions[] {
  const { partitions = {}, fairBy, agingMs } = options;
  const names = dimensionsOf(limits);
  if (typeof partitions !== "object" || partitions === null || Array.isArray(partitions)) {
    throw new InvalidLimitError("partitions", partitions, "an object with options for each dimension");
  }
  for (const name in partitions) {
    if (names.includes(name) || isEverywhere(partitions, name)) continue;
    throw new InvalidLimitError(`partitions[${show(name)}]`, partitions[name], leftOut(names));
  }
  if (fairBy !== undefined && !names.includes(fairBy)) {
    throw new InvalidLimitError("fairBy", fairBy, leftOut(names));
  }
  if (fairBy !== undefined && agingMs !== undefined) {
    const bounds = "left out, since with `fairBy` a request counts by its partition's turn, not by its age";
    throw new InvalidLimitError("agingMs", agingMs, bounds);
  }
  if (names.length === 0) return NONE;
  return names.map((name) => checkDimension(name, Object.hasOwn(partitions, name) ? partitions[name] : {}));
}

/** The dimensions of a set whose limits are these from now on. Those that it has had keep their options. */
export function nextDimensions(
  limits: readonly Limit[],
  before: readonly DimensionOptions[],
): readonly DimensionOptions[] {
  return dimensionsOf(limits).map(
    (name) => before.find((each) => each.name === name) ?? checkDimension(name),
  );
}

function checkDimension(name: string, options: PartitionOptions = {}): DimensionOptions {
  const field = (option: string) => `partitions[${show(name)}]${option}`;
  checkOptions(
    field(""),
    options,
    ["max", "whenFull"],
    (option, value, bounds) =>
      new InvalidLimitError(field(option === "options" ? "" : `.${option}`), value, bounds),
  );
  const { max = DEFAULT_MAX, whenFull = "share" } = options;
  if (!(Number.isInteger(max) && max >= 1 && max <= MOST_PARTITIONS)) {
    throw new InvalidLimitError(field(".max"), max, `a whole number from 1 to ${MOST_PARTITIONS}`);
  }
  if (whenFull !== "share" && whenFull !== "refuse") {
    throw new InvalidLimitError(field(".whenFull"), whenFull, `"share" or "refuse"`);
  }
  return { name, max, refuses: whenFull === "refuse" };
}

function leftOut(names: readonly string[]): string {
  const has = names.length > 0 ? `the limits are per ${listKeys(names)}` : "no limit of the set has `per`";
  return `left out, since ${has}`;
}

/** The options that make these dimensions. */
export function optionsOf(
  dimensions: readonly DimensionOptions[],
): Readonly<Record<string, PartitionOptions>> {
  const options = dimensions.map(({ name, max, refuses }): [string, PartitionOptions] => [
    name,
    { max, whenFull: refuses ? "refuse" : "share" },
  ]);
  return Object.fromEntries(options);
}

/** A limit of the dimension whose partitions are served in turn, by index; below 0 where no limit has it any more. */
export function fairAtOf(limits: readonly Limit[], fairBy: string | undefined): number | undefined {
  return fairBy === undefined ? undefined : limits.findIndex(({ per }) => per === fairBy);
}

/**
 * Refuses limits of partitions, for a backend that has none.
 *
 * @throws {InvalidLimitError}
 */
export function refusePartitions(limits: readonly Limit[], backend: string): void {
  for (const { key, per } of limits) {
    if (per === undefined) continue;
    throw new InvalidLimitError("per", per, `left out, since ${backend} has no partitions yet`, key);
  }
}
