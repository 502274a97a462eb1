/** What a guard has to know of the limits of its set, for each HTTP request. It is found out once, and again when they change. */
import { type AnyLimits, limitsOf } from "../exchange/set.ts";
import { tierOf } from "../limits/limits.ts";
import { follow, GLANCE, type Living, PRESENT } from "../limits/living.ts";
import { metricsOf } from "../limits/metrics.ts";
import { checkTold, isQuick } from "./policies.ts";

export interface Known {
  /** Whether a limit is per address. */
  readonly isPerIp: boolean;
  /** Whether there is something to hold until an answer has ended. */
  readonly holds: boolean;
  /** The metrics of rates, whose usage has to be reported. */
  readonly rates: readonly string[];
  /** Whether a brief glance tells all that headers say, of limits in any tier. */
  readonly isBrief: boolean;
}

export class Facts {
  /** Whether the set is in this isolate. */
  readonly isHere: boolean;
  private readonly set: AnyLimits;
  /** The keys that clients may read: checked once, since a limit that they name may be dropped later. */
  private unchecked: readonly string[] | undefined;
  private known: Known | undefined;

  constructor(set: AnyLimits, tell: readonly string[] | undefined) {
    this.set = set;
    this.unchecked = tell;
    this.isHere = GLANCE in set;
  }

  /**
   * Resolves when a set that lives elsewhere is known, and rejects if it cannot be reached; undefined where it is known. It is asked for anew by
   * each HTTP request: the next one may reach the set, and in workerd none can await a promise of another.
   */
  get ready(): PromiseLike<unknown> | undefined {
    if (this.known !== undefined || this.isHere) return undefined;
    try {
      // A set that is not known has no keys to tell.
      if (this.set.keys) return undefined;
    } catch {}
    return (this.set as { readonly ready?: PromiseLike<unknown> }).ready;
  }

  /** @throws {InvalidRequestError} if the option `tell` names a limit that the set does not have. */
  read(): Known {
    return this.known ?? this.find();
  }

  private find(): Known {
    const { set } = this;
    const limits = limitsOf(set);
    checkTold(limits, this.unchecked);
    this.unchecked = undefined;
    const known = {
      isPerIp: limits.some(({ per }) => per === "ip"),
      holds: limits.some(({ type }) => type === "resource"),
      rates: metricsOf(limits.filter(({ type }) => type === "rate")),
      isBrief: limits.every((limit) =>
        [undefined, ...Object.keys(limit.tiers ?? {})].every((tier) => isQuick(tierOf(limit, tier))),
      ),
    };
    this.known = known;
    if (PRESENT in set) {
      const stop = follow(set as unknown as Living, () => {
        this.known = undefined;
        stop();
      });
    }
    return known;
  }
}
