/** What a guard has to know of the limits of its set, for each HTTP request. It is found out once, and again when they change. */
import { type AnyLimits, limitsOf } from "../exchange/set.ts";
import { follow, GLANCE, type Living, PRESENT } from "../limits/living.ts";
import { metricsOf } from "../limits/metrics.ts";

export class Facts {
  /** Resolves when a set that lives elsewhere is known; undefined where it is. Rejects while it cannot be reached. */
  ready: PromiseLike<unknown> | undefined;
  /** Whether the set is in this isolate. */
  readonly isHere: boolean;
  private readonly set: AnyLimits;
  private known:
    | { readonly isPerIp: boolean; readonly holds: boolean; readonly rates: readonly string[] }
    | undefined;

  constructor(set: AnyLimits) {
    this.set = set;
    this.isHere = GLANCE in set;
    this.ready = (set as { readonly ready?: PromiseLike<unknown> }).ready;
    this.ready?.then(
      () => {
        this.ready = undefined;
      },
      () => {},
    );
  }

  /** Whether a limit is per address. */
  get isPerIp(): boolean {
    return this.read().isPerIp;
  }

  /** Whether there is something to hold until an answer has ended. */
  get holds(): boolean {
    return this.read().holds;
  }

  /** The metrics of rates, whose usage has to be reported. */
  get rates(): readonly string[] {
    return this.read().rates;
  }

  private read() {
    if (this.known) return this.known;
    const { set } = this;
    const limits = limitsOf(set);
    this.known = {
      isPerIp: limits.some(({ per }) => per === "ip"),
      holds: limits.some(({ type }) => type === "resource"),
      rates: metricsOf(limits.filter(({ type }) => type === "rate")),
    };
    if (PRESENT in set) {
      const stop = follow(set as unknown as Living, () => {
        this.known = undefined;
        stop();
      });
    }
    return this.known;
  }
}
