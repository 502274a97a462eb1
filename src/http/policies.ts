/** What clients are told of the limits of a set. */
import { listKeys } from "../errors.ts";
import { quoted } from "../exchange/structured.ts";
import { ceilingUnits, unitOf } from "../limits/definition.ts";
import { invalidRequest } from "../limits/known-options.ts";
import type { Limit } from "../limits/limit.ts";
import { metricOf } from "../limits/metrics.ts";

// The largest whole number of structured fields.
const MOST = 999_999_999_999_999;
const SECONDS: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400, week: 604_800 };

/** What a limit always is, as headers say it. */
export interface Policy {
  /** The place of the limit among those of the set. */
  readonly index: number;
  readonly key: string;
  readonly capacity: number;
  /** The window in whole seconds; undefined where it is none. */
  readonly seconds: number | undefined;
  /** Whether it counts requests. */
  readonly ofRequests: boolean;
  /** Its item of `RateLimit-Policy`. */
  readonly text: string;
  /** The beginning of its item of `RateLimit`. */
  readonly head: string;
  /** Such items as were told last, by what was left. */
  readonly items: { readonly seconds: number; readonly text: string }[];
  readonly ceiling: number;
  readonly unit: number;
  /** The milliseconds in which a unit comes back, where units come back one by one; NaN where a window ends. */
  readonly unitMs: number;
  readonly isResource: boolean;
  /** Whether one more is left within a second, unless none is: it is not worth the cost to find out when. */
  readonly isQuick: boolean;
}

/** How a limit stands, in whole numbers. */
export interface Standing {
  readonly left: number;
  /** The seconds until more is left; NaN where that is not known, or nothing is used. */
  readonly seconds: number;
}

/** @throws {InvalidRequestError} for a key that is none of the limits'. */
export function checkTold(limits: readonly Limit[], keys: readonly string[] | undefined): void {
  const known = limits.map(({ key }) => key);
  const other = keys?.find((key) => !known.includes(key));
  if (other !== undefined) throw invalidRequest("tell", other, `a list of keys of ${listKeys(known)}`);
}

/** The policies of those limits that are told, by their keys. Shadows do not refuse, and limits of infinite capacity have nothing to tell. */
export function policiesOf(limits: readonly Limit[], keys: readonly string[] | undefined): Policy[] {
  const policies: Policy[] = [];
  for (const [index, limit] of limits.entries()) {
    const { key, capacity, type, enforce } = limit;
    if (enforce === false || capacity === Infinity || keys?.includes(key) === false) continue;
    const isResource = type === "resource";
    const { windowMs = Number.NaN, every = "" } = isResource ? {} : (limit as Windowed);
    const seconds = SECONDS[every] ?? windowMs / 1000;
    const unit = unitOf(limit);
    const metric = metricOf(limit);
    const ofRequests = metric === "call_count";
    const most = Math.min(MOST, Math.floor(capacity));
    const name = quoted(key);
    const kind = isResource ? "concurrent-requests" : metric;
    const hasWindow = Number.isInteger(seconds);
    const unitMs = unitMsOf(limit);
    policies.push({
      ...{ index, key, ofRequests, unit, isResource, unitMs },
      isQuick: isQuick(limit),
      capacity: most,
      seconds: hasWindow ? seconds : undefined,
      text: `${name};q=${most}${ofRequests ? "" : `;qu=${quoted(kind)}`}${hasWindow ? `;w=${seconds}` : ""}`,
      head: `${name};r=`,
      items: [],
      ceiling: ceilingUnits(limit),
    });
  }
  return policies;
}

/** The milliseconds in which a unit comes back; NaN where a window ends, and of resources. */
function unitMsOf(limit: Limit): number {
  const { windowMs = Number.NaN, algorithm = "" } = limit as Windowed;
  return /window/.test(algorithm) ? Number.NaN : windowMs / (limit.capacity / unitOf(limit));
}

/** Whether a brief glance tells all that headers say of a limit. */
export function isQuick(limit: Limit): boolean {
  return limit.type === "resource" || (unitOf(limit) >= 1 && unitMsOf(limit) <= 1000);
}

interface Windowed {
  readonly windowMs?: number;
  readonly every?: string;
  readonly algorithm?: string;
}

/** `used`, `wait` and `fullIn` are the numbers of a `Glance`. */
export function standingOf(policy: Policy, used: number, wait: number, fullIn: number): Standing {
  const { ceiling, unit, unitMs } = policy;
  if (wait > 0 && unit >= 1) return { left: 0, seconds: secondsOf(wait) };
  const left = wait > 0 ? 0 : Math.min(MOST, Math.max(0, Math.floor((ceiling - used) * unit + 1e-9)));
  if (used <= 0 || policy.isResource) return { left, seconds: Number.NaN };
  if (policy.isQuick) return { left, seconds: 1 };
  // The units that may be in use for one more to be left.
  const then = unit === 1 ? used - 1 : Math.min(used - 1, ceiling - Math.ceil((left + 1) / unit - 1e-9));
  // The wait is that of one unit, of which one more may be a part.
  return { left, seconds: secondsOf(Math.max(wait, unitMs >= 0 ? fullIn - then * unitMs : fullIn)) };
}

/** Whole seconds, rounded up, since a client that comes too early comes in vain; NaN where the time is not known. */
export function secondsOf(ms: number): number {
  return ms < Infinity ? Math.max(1, Math.ceil(ms / 1000 - 1e-6)) : Number.NaN;
}
