/** What an HTTP request holds until its answer has ended. */
import type { Acquisition, Amounts } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { AnyLimits, Costs } from "../exchange/set.ts";
import { settle } from "../exchange/settle.ts";
import type { Incoming } from "./incoming.ts";
import type { CompleteOptions } from "./options.ts";

/** How an answer has ended. */
export interface Ended {
  readonly status: number;
  readonly bytes: number;
  readonly complete: boolean;
}

/** Gives everything back, and charges rates as they were requested. */
export function settleAsRequested(acquisition: Acquisition<string>, rates: readonly string[]): void {
  try {
    const requested = rates.length > 0 ? acquisition.requested : {};
    for (const metric of rates) {
      const amount = requested[metric];
      if (amount) acquisition.update({ [metric]: amount });
    }
    acquisition.release();
  } catch {
    // The set was closed, and holds nothing any more.
  }
}

/** The answer has been sent, has failed, or the client has gone: the first of these ends the hold. */
export class Hold {
  private set: AnyLimits | undefined;
  private readonly acquisition: Acquisition<string>;
  private readonly incoming: Incoming;
  private readonly options: CompleteOptions;
  private readonly rates: readonly string[];

  /** `rates` are the metrics whose usage has to be reported. */
  constructor(
    set: AnyLimits,
    acquisition: Acquisition<string>,
    incoming: Incoming,
    options: CompleteOptions,
    rates: readonly string[],
  ) {
    this.set = set;
    this.acquisition = acquisition;
    this.incoming = incoming;
    this.options = options;
    this.rates = rates;
  }

  /** Whether the bytes of the body have to be counted. */
  get counts(): boolean {
    return this.options.usage !== undefined;
  }

  /** Gives everything back, and charges the usage. A second call does nothing. */
  end(how: Ended | undefined): void {
    const { set } = this;
    if (!set) return;
    this.set = undefined;
    if (how && this.options.usage) this.settleUsage(set, how);
    else settleAsRequested(this.acquisition, this.rates);
  }

  private settleUsage(set: AnyLimits, { status, bytes, complete }: Ended): void {
    const { acquisition, incoming, options } = this;
    const warn = (error: unknown) => options.onWarning(error as LimitError);
    let used: Amounts<string> = {};
    try {
      used = options.usage!({ incoming, status, bytes, complete }) ?? {};
    } catch (error) {
      warn(error);
    }
    const { requested } = acquisition;
    // A server knows its own usage: none is too much to be true.
    settle(set, acquisition, used as Costs, undefined, Number.POSITIVE_INFINITY);
    for (const [metric, amount] of Object.entries(used)) {
      if (!amount || metric in requested) continue;
      Promise.resolve()
        .then(() => set.charge({ [metric]: amount }))
        .catch(warn);
    }
  }
}
