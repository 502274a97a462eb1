/** The door: it lets an HTTP request pass, or refuses it. It knows of no framework. */
import type { Acquisition, Amounts, Awaitable } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { AnyLimits } from "../exchange/set.ts";
import type { Glance } from "../limits/living.ts";
import type { Arrival } from "./arrival.ts";
import { Addresses } from "./client-address.ts";
import { chain, isPromise } from "./eventually.ts";
import { Facts, type Known } from "./facts.ts";
import { glanceOf, passesNow } from "./glance.ts";
import { type Headings, NONE, Teller } from "./headers.ts";
import { Hold, settleAsRequested } from "./hold.ts";
import type { CompleteOptions, HttpRefusal, RefusalAnswer } from "./options.ts";
import { RecentViews } from "./recent-views.ts";
import {
  checkAnswer,
  hasNoBody,
  impossibleOf,
  problemOf,
  type Reason,
  reasonOf,
  statusOf,
} from "./refusal.ts";

/** The client has gone while its request waited: no answer is awaited any more. */
export const GONE = "gone";

export interface Passed {
  readonly passes: true;
  readonly headings: Headings;
  /** What has to be ended with the answer; undefined where nothing is held. */
  readonly hold: Hold | undefined;
}

export interface Refused {
  readonly passes: false;
  readonly headings: Headings;
  readonly status: number;
  readonly body: string | undefined;
}

export type Outcome = Passed | Refused | typeof GONE;

const FREE: Passed = { passes: true, headings: NONE, hold: undefined };
const PLAIN = { "content-type": "text/plain; charset=utf-8" };

export class Door {
  readonly options: CompleteOptions;
  readonly addresses: Addresses;
  private readonly set: AnyLimits;
  private readonly facts: Facts;
  private readonly teller: Teller;
  private readonly maxWaitMs: number;
  private readonly recent: RecentViews;
  /** Whether no option says what to take, so that nothing has to be asked for. */
  private readonly isPlain: boolean;

  constructor(set: AnyLimits, options: CompleteOptions) {
    const { headers = "draft-11", tell, maxWaitMs = 0, shadow = false, by, tier, cost } = options;
    this.set = set;
    this.facts = new Facts(set, tell);
    this.options = options;
    // A shadow is not seen.
    this.teller = new Teller(shadow ? false : headers, tell);
    this.addresses = new Addresses(options, options.onWarning);
    this.maxWaitMs = shadow ? 0 : maxWaitMs;
    this.recent = new RecentViews(set, this.addresses);
    this.isPlain = [by, tier, cost].every((option) => option === undefined);
  }

  /** Decides. The answer is a value where nothing has to be awaited. */
  admit(arrival: Arrival): Awaitable<Outcome> {
    const { skip } = this.options;
    return skip === undefined
      ? this.begin(arrival)
      : chain(skip(arrival), (isFree) => (isFree ? FREE : this.begin(arrival)));
  }

  /** Goes on as soon as the set is known. */
  private begin(arrival: Arrival): Awaitable<Outcome> {
    const { ready } = this.facts;
    if (ready === undefined) return this.take(arrival);
    return ready.then(
      () => this.take(arrival),
      (error) => this.failed(error, arrival, this.set, undefined),
    );
  }

  private take(arrival: Arrival): Awaitable<Outcome> {
    // Before anything is taken, since it may find that the options do not fit the set.
    const known = this.facts.read();
    if (this.isPlain) return this.ask(arrival, this.usualView(arrival, known), undefined);
    const { by, tier, cost } = this.options;
    const named =
      by === undefined ? this.usualView(arrival, known) : chain(by(arrival), (names) => this.set.for(names));
    const view =
      tier === undefined
        ? named
        : chain(named, (set) => chain(tier(arrival), (name) => set.for({}, { tier: name })));
    return chain(view, (set) =>
      cost === undefined
        ? this.ask(arrival, set, undefined)
        : chain(cost(arrival), (amounts) => this.ask(arrival, set, amounts)),
    );
  }

  private usualView(arrival: Arrival, { isPerIp }: Known): AnyLimits {
    return isPerIp ? this.recent.of(this.addresses.read(arrival)) : this.set;
  }

  private ask(arrival: Arrival, view: AnyLimits, amounts: Amounts<string> | undefined): Awaitable<Outcome> {
    try {
      if (this.maxWaitMs > 0 && !passesNow(view, amounts)) return this.wait(arrival, view, amounts);
      const tried = view.tryAcquire(amounts);
      // Asked for at once: a set that lives elsewhere answers both together.
      const glance = this.glance(view);
      if (!isPromise(tried) && !isPromise(glance)) return this.answer(arrival, view, tried, glance);
      return Promise.all([tried, glance]).then(
        ([acquisition, known]) => this.answer(arrival, view, acquisition, known),
        (error) => this.failed(error, arrival, view, amounts),
      );
    } catch (error) {
      return this.failed(error, arrival, view, amounts);
    }
  }

  /** How the limits stand, if clients are told. */
  private glance(view: AnyLimits): Awaitable<Glance | undefined> {
    return this.teller.tells ? glanceOf(view, this.facts.read().isBrief) : undefined;
  }

  private wait(arrival: Arrival, view: AnyLimits, amounts: Amounts<string> | undefined): Awaitable<Outcome> {
    const { maxWaitMs } = this;
    const signal = arrival.signal();
    return view.acquire(amounts, { maxWaitMs, signal }).then(
      (acquisition) => chain(this.glance(view), (glance) => this.answer(arrival, view, acquisition, glance)),
      (error) => (signal?.aborted ? GONE : this.failed(error, arrival, view, amounts)),
    );
  }

  private answer(
    arrival: Arrival,
    view: AnyLimits,
    acquisition: Acquisition<string>,
    glance: Glance | undefined,
  ): Awaitable<Outcome> {
    if (!acquisition.successful) {
      const { limitedBy, retryAfterMs } = acquisition;
      return this.refuse(arrival, { why: "limited", limitedBy, retryAfterMs }, glance);
    }
    const headings = glance === undefined ? NONE : this.teller.headings(glance);
    const { holds, rates } = this.facts.read();
    if (holds || this.options.usage !== undefined) {
      return { passes: true, headings, hold: new Hold(view, acquisition, arrival, this.options, rates) };
    }
    // Of calls alone, nothing comes back by a release.
    if (rates.length > 0 || !this.facts.isHere) settleAsRequested(acquisition, rates);
    return headings === NONE ? FREE : { passes: true, headings, hold: undefined };
  }

  private failed(
    error: unknown,
    arrival: Arrival,
    view: AnyLimits,
    amounts: Amounts<string> | undefined,
  ): Awaitable<Outcome> {
    const reason = reasonOf(error, this.facts.isHere) ?? impossibleOf(error, view, amounts);
    if (reason === undefined) throw error;
    if (reason.why === "away") return this.refuse(arrival, reason, undefined);
    return chain(this.glance(view), (glance) => this.refuse(arrival, reason, glance));
  }

  private refuse(incoming: Arrival, reason: Reason, glance: Glance | undefined): Awaitable<Outcome> {
    const { shadow = false, whenAway, whenRefused } = this.options;
    const passes = shadow || (reason.why === "away" && whenAway === "pass");
    const { why, limitedBy, retryAfterMs } = reason;
    // An attack is refused a hundred thousand times a second: nothing is spread, and nothing made that is not needed.
    const refusal: HttpRefusal = {
      incoming,
      status: statusOf(why),
      why,
      limitedBy,
      retryAfterMs,
      shadow: passes,
    };
    this.report(refusal);
    if (passes) return FREE;
    const shown = this.teller.shown(limitedBy);
    // Now, since the numbers of a glance are those of the next one soon.
    const told = glance === undefined ? NONE : this.teller.headings(glance);
    const seconds = this.teller.retryAfter(retryAfterMs, limitedBy, glance);
    const headings = Number.isNaN(seconds) ? told : [...told, "retry-after", `${seconds}`];
    if (whenRefused === undefined) return refused(refusal, problemOf(refusal, shown), headings);
    return chain(whenRefused(refusal), (own) =>
      refused(refusal, own == null ? problemOf(refusal, shown) : checkAnswer(own), headings),
    );
  }

  /** The program only hears of a refusal: an error of its own changes nothing about it. */
  private report(refusal: HttpRefusal): void {
    const { onRefused, onWarning } = this.options;
    if (onRefused === undefined) return;
    const warn = (error: unknown) => onWarning(error as LimitError);
    try {
      // A function that returns a promise is one that returns nothing, to a compiler.
      const heard: unknown = onRefused(refusal);
      if (isPromise(heard)) heard.then(undefined, warn);
    } catch (error) {
      warn(error);
    }
  }
}

function refused(
  refusal: HttpRefusal,
  { status = refusal.status, body, headers = PLAIN }: RefusalAnswer,
  told: Headings,
): Refused {
  const headings: string[] = [];
  for (const [name, value] of Object.entries(headers)) headings.push(name, value);
  headings.push(...told);
  return { passes: false, status, headings, body: hasNoBody(status) ? undefined : body };
}
