/** Random limits of sets with partitions. */
import { type Limit, RateLimit, ResourceLimit } from "../../src/index.ts";
import type { Die } from "../property/die.ts";

const ALGORITHMS = ["token-bucket", "gcra", "leaky-bucket", "sliding-window", "fixed-window"] as const;
export const TIERS = ["pro", "free"] as const;
/** The keys of all limits that there may be, with their dimensions. */
const POOL = [
  ["a0", undefined],
  ["ra", undefined],
  ["u0", "user"],
  ["u1", "user"],
  ["ru", "user"],
  ["i0", "ip"],
  ["ri", "ip"],
] as const;

function someWindow(die: Die): number {
  return [1, 50, 999.983, 10_000, 60_000][die(5)]!;
}

/** What differs in some tiers of a limit. */
function someTiers(die: Die, windows: boolean, burst: boolean): Record<string, object> {
  const tiers = TIERS.filter(() => die(2) === 0).map((tier) => {
    const capacity = 1 + die(30);
    const own = {
      ...(burst ? { capacity, burst: 1 + die(capacity) } : die(3) > 0 ? { capacity } : {}),
      ...(windows && die(3) === 0 ? { windowMs: someWindow(die) } : {}),
      ...(die(6) === 0 ? { enforce: die(2) === 0 } : {}),
    };
    return [tier, own] as const;
  });
  return Object.fromEntries(tiers);
}

function limitOf(die: Die, key: string, per: string | undefined): Limit {
  const named = (windows: boolean, burst: boolean) =>
    per === undefined ? {} : { per, ...(die(2) === 0 ? { tiers: someTiers(die, windows, burst) } : {}) };
  if (key.startsWith("r")) return new ResourceLimit({ key, capacity: 1 + die(6), ...named(false, false) });
  const algorithm = ALGORITHMS[die(ALGORITHMS.length)]!;
  const capacity = 1 + die(30);
  const isCalendar = algorithm === "fixed-window" && die(2) === 0;
  const windowing = isCalendar
    ? { every: (["minute", "hour"] as const)[die(2)]!, timeZone: "Asia/Kathmandu" }
    : { windowMs: someWindow(die) };
  const burst = algorithm === "gcra" && die(2) === 0 ? 1 + die(capacity) : undefined;
  return new RateLimit({
    ...{ key, counts: "x", capacity, algorithm, overage: "debt", enforce: die(8) > 0 },
    ...windowing,
    ...(burst === undefined ? {} : { burst }),
    ...(per === undefined && die(4) === 0 ? { initial: die((burst ?? capacity) + 1) } : {}),
    ...named(!isCalendar, burst !== undefined),
  } as never);
}

export function someLimits(die: Die): Limit[] {
  // A set without limits asks nothing, and so does not hear of others.
  const limits = POOL.filter(([key]) => key === "a0" || die(4) > 0).map(([key, per]) =>
    limitOf(die, key, per),
  );
  if (die(2) === 0) limits.reverse();
  return limits;
}
