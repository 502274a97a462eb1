/** Limits of partitions: one state for each user, address or tenant, and definitions that differ by tier. */
import { InvalidLimitError, show } from "../errors.ts";
import { checkName } from "./checks.ts";
import { checkOptions, isEverywhere } from "./known-options.ts";

/** The fields of a limit that may differ in a tier. Those that are left out are as in the limit. */
export interface Tier {
  /** The amount that is allowed in a window, or how many there are. */
  readonly capacity?: number;
  /** The window, in milliseconds; RateLimits and CallLimits only. */
  readonly windowMs?: number;
  /** For GCRA only: the most that is granted at one instant. */
  readonly burst?: number;
  /** Whether the limit refuses. */
  readonly enforce?: boolean;
}

/** The tiers of a limit, by name. */
export type Tiers = Readonly<Record<string, Tier>>;

/** The options of limits of partitions. */
export interface PartitionFields<D extends string> {
  /**
   * The dimension, as `"user"`: each name of it has a state of the limit to itself, and `limits.for({ user: "alice" })` takes of
   * alice's. Not empty. Default: none, so that the limit has one state for all.
   */
  readonly per?: D | undefined;
  /** What differs by tier, as `{ pro: { capacity: 1000 } }`; only with `per`. `limits.for(names, { tier: "pro" })` has that tier. */
  readonly tiers?: Tiers | undefined;
}

/** The fields that all limits have, as far as tiers need them. */
interface Tiered {
  readonly key: string;
  readonly capacity: number;
  readonly burst?: number;
  readonly per?: string | undefined;
  readonly tiers?: Tiers | undefined;
}

/** The fields that a tier of a limit may have. */
export const TIER_OF_RESOURCE: readonly (keyof Tier)[] = ["capacity", "enforce"];
export const TIER_OF_RATE: readonly (keyof Tier)[] = ["capacity", "enforce", "windowMs", "burst"];

const NOTHING: PartitionFields<never> = /* @__PURE__ */ Object.freeze({});

/**
 * The fields of the `options` of a limit that tell its partitions. `make` makes the limit of a tier, by which that is checked; `limit` is
 * the limit without tiers.
 */
export function checkPartitions<D extends string>(
  options: PartitionFields<D> & { readonly initial?: number | undefined },
  limit: Tiered,
  known: readonly (keyof Tier)[],
  make: (tier: Tier) => Tiered,
): PartitionFields<D> {
  const { per, tiers, initial } = options;
  const { key } = limit;
  if (per === undefined) {
    if (tiers === undefined) return NOTHING;
    throw new InvalidLimitError("tiers", tiers, "left out, since only limits with `per` have tiers", key);
  }
  checkName("per", per, key);
  if (initial !== undefined) {
    const bounds = "left out, since each partition of a limit with `per` begins full";
    throw new InvalidLimitError("initial", initial, bounds, key);
  }
  if (tiers === undefined) return { per };
  if (typeof tiers !== "object" || tiers === null || Array.isArray(tiers)) {
    throw new InvalidLimitError("tiers", tiers, "an object with a definition for each tier", key);
  }
  const checked: Record<string, Tier> = {};
  for (const name in tiers) {
    if (isEverywhere(tiers, name)) continue;
    const value = checkTier(name, tiers[name]!, limit, known, make);
    // To assign `__proto__` would set the prototype.
    Object.defineProperty(checked, name, { value, enumerable: true });
  }
  return { per, tiers: Object.freeze(checked) };
}

function checkTier(
  name: string,
  tier: Tier,
  limit: Tiered,
  known: readonly (keyof Tier)[],
  make: (tier: Tier) => Tiered,
): Tier {
  const { key } = limit;
  const field = (option: string) => `tiers[${show(name)}]${option}`;
  checkOptions(
    `tier ${show(name)} of ${show(key)}`,
    tier,
    known,
    (option, value, bounds) =>
      new InvalidLimitError(field(option === "options" ? "" : `.${option}`), value, bounds, key),
  );
  try {
    const { capacity, burst } = make(tier);
    // So that data, which have the default burst of the limit, make the same tier.
    const own =
      burst === undefined || (burst === limit.burst && capacity === limit.capacity) ? {} : { burst };
    return Object.freeze({ ...tier, ...own });
  } catch (error) {
    if (!(error instanceof InvalidLimitError)) throw error;
    throw new InvalidLimitError(field(`.${error.field}`), error.value, error.bounds, key);
  }
}

/** The options of a limit as they are in a tier. */
export function inTier<O extends Omit<Tiered, "key">>(options: O, tier: Tier): O {
  const { burst, tiers: _, ...rest } = options;
  const capacity = tier.capacity ?? options.capacity;
  // A burst goes with a capacity: a default one with the default, and none with no end.
  return { ...rest, ...(burst !== undefined && capacity !== Infinity && { burst }), ...tier } as unknown as O;
}

/** The dimensions of limits, each once, in the order of the first limits that have them. */
export function dimensionsOf(limits: readonly { readonly per?: string | undefined }[]): readonly string[] {
  return [...new Set(limits.flatMap(({ per }) => (per === undefined ? [] : [per])))];
}

/** The tiers of limits, each name once, in the order of the first limits that have them. */
export function tiersOf(limits: readonly { readonly tiers?: Tiers | undefined }[]): readonly string[] {
  return [...new Set(limits.flatMap(({ tiers = {} }) => Object.keys(tiers)))];
}
