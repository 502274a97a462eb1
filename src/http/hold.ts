/** What an HTTP request holds until its answer has ended. */
import type { Acquisition, Amounts } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { AnyLimits, Costs } from "../exchange/set.ts";
import { settle } from "../exchange/settle.ts";
import { invalidRequest, isObject } from "../limits/known-options.ts";
import { isPromise } from "./eventually.ts";
import type { Incoming } from "./incoming.ts";
import type { AnswerEnd, CompleteOptions } from "./options.ts";

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
    const errors: unknown[] = [];
    const used = usageOf(options, { incoming, status, bytes, complete }, (error) => errors.push(error));
    const { requested } = acquisition;
    // A server knows its own usage: none is too much to be true.
    settle(set, acquisition, used as Costs, undefined, Number.POSITIVE_INFINITY);
    for (const [metric, amount] of Object.entries(used)) {
      if (!amount || metric in requested) continue;
      Promise.resolve()
        .then(() => set.charge({ [metric]: amount }))
        .catch(warn);
    }
    // Last, since nothing may stay held.
    for (const error of errors) warn(error);
  }
}

/** The usage that the program states. Usage that is none is an error, and then what was requested counts. */
function usageOf(
  { usage }: CompleteOptions,
  end: AnswerEnd,
  failed: (error: unknown) => void,
): Amounts<string> {
  try {
    const said: unknown = usage!(end) ?? {};
    if (isObject(said) && Object.values(said).every(isAmount) && !isPromise(said))
      return said as Amounts<string>;
    failed(
      invalidRequest("usage", said, "a function that returns amounts, 0 or more, and no promise of them"),
    );
    // It comes too late, and so does its error.
    if (isPromise(said)) said.then(undefined, () => {});
  } catch (error) {
    failed(error);
  }
  return {};
}

function isAmount(value: unknown): boolean {
  return value === undefined || (typeof value === "number" && value >= 0);
}
