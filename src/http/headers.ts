/** The headers of an answer that tell of limits. */
import type { Limit } from "../limits/limit.ts";
import type { Glance } from "../limits/living.ts";
import { systemNow, wallNow } from "../platform/clock.ts";
import type { HeaderForm } from "./options.ts";
import { type Policy, policiesOf, type Standing, secondsOf, standingOf } from "./policies.ts";

/** Headers: names, in small letters, and values by turns. */
export type Headings = readonly string[];

export const NONE: Headings = [];

/** A header that two guards set: lists of draft 11 are one list. Other forms tell of one limit, that of the guard that comes later. */
export function joined(before: unknown, value: string): string {
  return isList(before) && isList(value) ? `${before}, ${value}` : value;
}

function isList(value: unknown): boolean {
  return typeof value === "string" && value.startsWith('"');
}

/** How many guards tell clients of limits. */
let tellers = 0;

/** Whether there may be another guard before the same answer: to look for its headers costs as much as to set one. */
export function hasOthers(): boolean {
  return tellers > 1;
}

interface Told {
  readonly policies: readonly Policy[];
  /** `RateLimit-Policy` of draft 11. */
  readonly text: string;
}

export class Teller {
  private readonly forms: readonly HeaderForm[];
  private readonly keys: readonly string[] | undefined;
  /** By the limits of a set, or of a view. */
  private readonly told = new WeakMap<readonly Limit[], Told>();
  private last: { readonly limits: readonly Limit[]; readonly told: Told } | undefined = undefined;
  private readonly isNewest: boolean;

  constructor(forms: HeaderForm | readonly HeaderForm[] | false, keys: readonly string[] | undefined) {
    this.forms = forms === false ? [] : [forms].flat();
    this.keys = keys;
    if (this.tells) tellers++;
    this.isNewest = this.forms.length === 1 && this.forms[0] === "draft-11";
  }

  /** Whether answers that pass have such headers. */
  get tells(): boolean {
    return this.forms.length > 0;
  }

  /** The keys that clients may read. */
  shown(keys: readonly string[]): readonly string[] {
    return this.keys ? keys.filter((key) => this.keys!.includes(key)) : keys;
  }

  headings(glance: Glance): Headings {
    const { policies, text } = this.policiesOf(glance);
    if (policies.length === 0) return NONE;
    if (this.isNewest) return ["ratelimit", itemsOf(policies, glance.numbers), "ratelimit-policy", text];
    const all = this.forms.flatMap((form) =>
      form === "draft-11"
        ? ["ratelimit", itemsOf(policies, glance.numbers), "ratelimit-policy", text]
        : older(form, policies, glance.numbers),
    );
    // Drafts share a name for the policy. The first that is asked for has it.
    return all.filter((_, i) => all.indexOf(all[i - (i % 2)]!) === i - (i % 2));
  }

  /** `Retry-After` in seconds, not before the time at which more is left of a limit that refused; NaN where no time is known. */
  retryAfter(retryAfterMs: number, limitedBy: readonly string[], glance: Glance | undefined): number {
    let seconds = secondsOf(retryAfterMs);
    if (!glance || Number.isNaN(seconds)) return seconds;
    for (const policy of this.policiesOf(glance).policies) {
      if (!limitedBy.includes(policy.key)) continue;
      const own = standingAt(policy, glance.numbers).seconds;
      // Of a sliding window that has some left, the end of the window says nothing of the first entry to leave.
      if (own > seconds && !(Number.isNaN(policy.unitMs) && glance.numbers[3 * policy.index + 1] === 0))
        seconds = own;
    }
    return seconds;
  }

  private policiesOf({ limits, numbers }: Glance): Told {
    // Most glances are at the same limits as the last one.
    if (limits === this.last?.limits) return this.last.told;
    let told = this.told.get(limits);
    if (!told) {
      const policies = policiesOf(limits, this.keys).filter(({ index }) => !Number.isNaN(numbers[3 * index]));
      told = { policies, text: policies.map(({ text }) => text).join(", ") };
      this.told.set(limits, told);
    }
    this.last = { limits, told };
    return told;
  }
}

function standingAt(policy: Policy, numbers: readonly number[]): Standing {
  const at = 3 * policy.index;
  return standingOf(policy, numbers[at]!, numbers[at + 1]!, numbers[at + 2]!);
}

function itemsOf(policies: readonly Policy[], numbers: readonly number[]): string {
  let text = "";
  for (const policy of policies) {
    const { left, seconds } = standingAt(policy, numbers);
    if (text !== "") text += ", ";
    text += itemOf(policy, left, seconds > 0 ? seconds : 0);
  }
  return text;
}

/** Items are kept for this much that is left: of most limits, the same ones are told to all clients. */
const KEPT = 1024;

function itemOf(policy: Policy, left: number, seconds: number): string {
  const kept = left < KEPT ? policy.items[left] : undefined;
  if (kept?.seconds === seconds) return kept.text;
  const text = seconds > 0 ? `${policy.head}${left};t=${seconds}` : policy.head + left;
  if (left < KEPT) policy.items[left] = { seconds, text };
  return text;
}

/** The forms that tell of one limit: that of which the least is left, of those that count requests if there are any. */
function older(form: HeaderForm, policies: readonly Policy[], numbers: readonly number[]): string[] {
  const ofRequests = policies.filter((policy) => policy.ofRequests);
  const all = (ofRequests.length > 0 ? ofRequests : policies).map((policy) => ({
    policy,
    standing: standingAt(policy, numbers),
  }));
  const { policy, standing } = all.reduce((least, each) => {
    const more = each.standing.left - least.standing.left;
    return more < 0 || (more === 0 && each.standing.seconds > least.standing.seconds) ? each : least;
  });
  const { capacity, seconds: window } = policy;
  const { left, seconds } = standing;
  // These forms have no way to say that it is not known.
  const reset = Number.isNaN(seconds) ? 0 : seconds;
  const policyHeading = [
    "ratelimit-policy",
    window === undefined ? `${capacity}` : `${capacity};w=${window}`,
  ];
  if (form === "draft-7") {
    return ["ratelimit", `limit=${capacity}, remaining=${left}, reset=${reset}`, ...policyHeading];
  }
  const prefix = form === "draft-6" ? "ratelimit" : "x-ratelimit";
  const moment = form === "draft-6" ? reset : Math.ceil((wallNow() ?? systemNow()) / 1000) + reset;
  const three = [
    `${prefix}-limit`,
    `${capacity}`,
    `${prefix}-remaining`,
    `${left}`,
    `${prefix}-reset`,
    `${moment}`,
  ];
  return form === "draft-6" ? [...three, ...policyHeading] : three;
}
