/** What an answer says of limits, done for all that use the set. */
import type { Awaitable } from "../contract.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";
import type { Costs, Reading, ServerLimit } from "./provider.ts";
import { type AnyLimits, limitsOf, type Renamed, wholeAmount } from "./set.ts";

/** A set, or a part of one, while calls are in progress. */
export interface Course {
  /** How many calls are in progress. */
  calls: number;
  /** The amounts that were taken since the first of them began, by metric. */
  readonly taken: Map<string, number>;
}

/** The amounts that were taken by the time a request was sent. */
export type Mark = ReadonlyMap<string, number>;

export interface Obedience {
  /** The set that takes. */
  readonly set: AnyLimits;
  /** The set whose limits are redefined: of a view, the set itself. */
  readonly whole: AnyLimits;
  readonly renamed: Renamed;
  readonly learn: boolean;
  readonly maxPauseMs: number;
}

/**
 * Pauses the set, lowers what it has left, and learns capacities. It does each at once; the promise is for sets that live elsewhere.
 * A set that cannot be reached, or was closed, lets it be: the answer is handed out all the same.
 */
export async function obey(how: Obedience, reading: Reading, course: Course, mark: Mark): Promise<void> {
  const { set, whole, renamed, learn, maxPauseMs } = how;
  const { pauseMs = 0, limits = [] } = reading;
  const changes: (() => Awaitable<void>)[] = [];
  if (pauseMs > 0) changes.push(() => set.pause(Math.min(pauseMs, maxPauseMs)));
  const left: Record<string, number> = {};
  const own = limits.length > 0 ? limitsOf(set) : [];
  for (const said of limits) {
    const limit = match(own, said, renamed);
    if (!limit) continue;
    const { key } = limit;
    const metric = metricOf(limit);
    const since = (course.taken.get(metric) ?? 0) - (mark.get(metric) ?? 0);
    const rest = wholeAmount(limit, Math.max(0, said.left! - Math.max(0, since)));
    if (rest !== undefined) left[key] = Math.min(rest, left[key] ?? rest);
    if (said.pauseMs! > 0) changes.push(() => set.pause(Math.min(said.pauseMs!, maxPauseMs), [key]));
    const capacity = wholeAmount(limit, said.capacity);
    if (learn && capacity! > 0 && capacity !== limit.capacity) {
      changes.push(() => whole.redefine((current) => current.map((each) => resized(each, key, capacity!))));
    }
  }
  if (Object.keys(left).length > 0) changes.push(() => set.lower(left));
  await Promise.allSettled(changes.map(async (change) => change()));
}

/**
 * The limit of the set that the server means: that with its name as key; or of those of the metric that with the same window, or the
 * same capacity, or the shortest window. The limit of a day is not lowered to what is left in a minute.
 */
function match(limits: readonly Limit[], said: ServerLimit, renamed: Renamed): Limit | undefined {
  const { windowMs = Number.NaN, capacity, metric, name = "" } = said;
  const rates = limits.filter((limit) => limit.type !== "resource");
  const alike = rates
    .filter((limit) => metricOf(limit) === (renamed[metric] ?? metric))
    .filter((limit) => !(Math.abs(Math.log2(windowOf(limit) / windowMs)) > 1))
    .sort((a, b) => windowOf(a) - windowOf(b));
  return (
    rates.find(({ key }) => key === (renamed[name] ?? name)) ??
    alike.find((limit) => windowOf(limit) === windowMs) ??
    alike.find((limit) => limit.capacity === capacity) ??
    alike[0]
  );
}

function windowOf(limit: Limit): number {
  return limit.type === "resource" ? 0 : (limit.windowMs ?? Number.MAX_VALUE);
}

/** The limit with this key with another capacity. */
function resized(limit: Limit, key: string, capacity: number): Limit {
  if (limit.key !== key) return limit;
  const { burst, initial } = limit as { readonly burst?: number; readonly initial?: number };
  return {
    ...limit,
    capacity,
    ...(burst !== undefined && { burst: burst === limit.capacity ? capacity : Math.min(burst, capacity) }),
    ...(initial !== undefined && { initial: Math.min(initial, capacity) }),
  } as Limit;
}

/** Counts the amounts of a request, and tells what was taken by then. */
export function count(course: Course, amounts: Costs): Mark {
  for (const [metric, amount] of Object.entries(amounts)) {
    course.taken.set(metric, (course.taken.get(metric) ?? 0) + amount);
  }
  return new Map(course.taken);
}

const courses = new WeakMap<AnyLimits, Map<string, Course>>();

/** Begins a call of a set, or of the part of it with this name, and returns its course. A part without calls takes no memory. */
export function enter(set: AnyLimits, part: string): Course {
  const parts = courses.get(set) ?? new Map<string, Course>();
  courses.set(set, parts);
  const course = parts.get(part) ?? { calls: 0, taken: new Map() };
  parts.set(part, course);
  course.calls++;
  return course;
}

/** Ends a call. */
export function leave(set: AnyLimits, part: string, course: Course): void {
  course.calls--;
  if (course.calls === 0) courses.get(set)?.delete(part);
}
