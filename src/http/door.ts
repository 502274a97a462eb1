/** The door: it lets an HTTP request pass, or refuses it. It knows of no framework. */
import type { Acquisition, Amounts, Awaitable } from "../contract.ts";
import type { AnyLimits } from "../exchange/set.ts";
import type { Glance } from "../limits/living.ts";
import { addressReader, type ReadAddress } from "./client-address.ts";
import { chain, isPromise } from "./eventually.ts";
import { Facts } from "./facts.ts";
import { glanceOf, passesNow } from "./glance.ts";
import { type Headings, NONE, Teller } from "./headers.ts";
import { Hold, settleAsRequested } from "./hold.ts";
import type { Arrival, HttpRequest, Incoming } from "./incoming.ts";
import type { CompleteOptions, HttpRefusal } from "./options.ts";
import { RecentViews } from "./recent-views.ts";
import { impossibleOf, problemOf, type Reason, reasonOf, statusOf } from "./refusal.ts";

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

/** A class, since it is made for each HTTP request, and most never read the address. */
class IncomingRequest implements Incoming {
  readonly request: HttpRequest;
  readonly native: unknown;
  private readonly arrival: Arrival;
  private readonly read: ReadAddress;
  private known: string | undefined = undefined;

  constructor(arrival: Arrival, read: ReadAddress) {
    this.request = arrival.request;
    this.native = arrival.native;
    this.arrival = arrival;
    this.read = read;
  }

  get address(): string {
    this.known ??= this.read(this.arrival, this);
    return this.known;
  }
}

export class Door {
  readonly options: CompleteOptions;
  private readonly set: AnyLimits;
  private readonly facts: Facts;
  private readonly teller: Teller;
  private readonly readAddress: ReadAddress;
  private readonly maxWaitMs: number;
  private readonly recent: RecentViews;
  /** Whether no option says what to take, so that nothing has to be asked for. */
  private readonly isPlain: boolean;

  constructor(set: AnyLimits, options: CompleteOptions) {
    const { headers = "draft-11", tell, maxWaitMs = 0, shadow = false, by, tier, cost } = options;
    this.set = set;
    this.facts = new Facts(set);
    this.options = options;
    // A shadow is not seen.
    this.teller = new Teller(shadow ? false : headers, tell);
    this.readAddress = addressReader(options, options.onWarning);
    this.maxWaitMs = shadow ? 0 : maxWaitMs;
    this.recent = new RecentViews(set);
    this.isPlain = [by, tier, cost].every((option) => option === undefined);
  }

  /** Decides. The answer is a value where nothing has to be awaited. */
  admit(arrival: Arrival): Awaitable<Outcome> {
    const { skip } = this.options;
    const incoming = new IncomingRequest(arrival, this.readAddress);
    return skip === undefined
      ? this.begin(arrival, incoming)
      : chain(skip(incoming), (isFree) => (isFree ? FREE : this.begin(arrival, incoming)));
  }

  /** Goes on as soon as the set is known. */
  private begin(arrival: Arrival, incoming: Incoming): Awaitable<Outcome> {
    const { ready } = this.facts;
    if (ready === undefined) return this.take(arrival, incoming);
    return ready.then(
      () => this.take(arrival, incoming),
      (error) => this.failed(error, incoming, this.set, undefined),
    );
  }

  private take(arrival: Arrival, incoming: Incoming): Awaitable<Outcome> {
    if (this.isPlain) return this.ask(arrival, incoming, this.usualView(incoming), undefined);
    const { cost } = this.options;
    return chain(this.viewFor(incoming), (view) =>
      cost === undefined
        ? this.ask(arrival, incoming, view, undefined)
        : chain(cost(incoming), (amounts) => this.ask(arrival, incoming, view, amounts)),
    );
  }

  private viewFor(incoming: Incoming): Awaitable<AnyLimits> {
    const { set } = this;
    const { by, tier } = this.options;
    const view = by === undefined ? this.usualView(incoming) : chain(by(incoming), (names) => set.for(names));
    if (tier === undefined) return view;
    return chain(view, (named) => chain(tier(incoming), (name) => named.for({}, { tier: name })));
  }

  private usualView(incoming: Incoming): AnyLimits {
    return this.facts.isPerIp ? this.recent.of(incoming.address) : this.set;
  }

  private ask(
    arrival: Arrival,
    incoming: Incoming,
    view: AnyLimits,
    amounts: Amounts<string> | undefined,
  ): Awaitable<Outcome> {
    try {
      if (this.maxWaitMs > 0 && !passesNow(view, amounts)) return this.wait(arrival, incoming, view, amounts);
      const tried = view.tryAcquire(amounts);
      // Asked for at once: a set that lives elsewhere answers both together.
      const glance = this.teller.tells ? glanceOf(view) : undefined;
      if (!isPromise(tried) && !isPromise(glance)) return this.answer(incoming, view, tried, glance);
      return Promise.all([tried, glance]).then(
        ([acquisition, known]) => this.answer(incoming, view, acquisition, known),
        (error) => this.failed(error, incoming, view, amounts),
      );
    } catch (error) {
      return this.failed(error, incoming, view, amounts);
    }
  }

  private wait(
    arrival: Arrival,
    incoming: Incoming,
    view: AnyLimits,
    amounts: Amounts<string> | undefined,
  ): Awaitable<Outcome> {
    const { maxWaitMs } = this;
    const signal = arrival.signal();
    return view.acquire(amounts, { maxWaitMs, signal }).then(
      (acquisition) =>
        chain(this.teller.tells ? glanceOf(view) : undefined, (glance) =>
          this.answer(incoming, view, acquisition, glance),
        ),
      (error) => (signal?.aborted ? GONE : this.failed(error, incoming, view, amounts)),
    );
  }

  private answer(
    incoming: Incoming,
    view: AnyLimits,
    acquisition: Acquisition<string>,
    glance: Glance | undefined,
  ): Outcome {
    if (!acquisition.successful) {
      const { limitedBy, retryAfterMs } = acquisition;
      return this.refuse(incoming, { why: "limited", limitedBy, retryAfterMs }, glance);
    }
    const headings = glance === undefined ? NONE : this.teller.headings(glance);
    const { holds, rates, isHere } = this.facts;
    if (holds || this.options.usage !== undefined) {
      return { passes: true, headings, hold: new Hold(view, acquisition, incoming, this.options, rates) };
    }
    // Of calls alone, nothing comes back by a release.
    if (rates.length > 0 || !isHere) settleAsRequested(acquisition, rates);
    return headings === NONE ? FREE : { passes: true, headings, hold: undefined };
  }

  private failed(
    error: unknown,
    incoming: Incoming,
    view: AnyLimits,
    amounts: Amounts<string> | undefined,
  ): Awaitable<Outcome> {
    const reason = reasonOf(error) ?? impossibleOf(error, view, amounts);
    if (reason === undefined) throw error;
    if (reason.why === "away") return this.refuse(incoming, reason, undefined);
    return chain(this.teller.tells ? glanceOf(view) : undefined, (glance) =>
      this.refuse(incoming, reason, glance),
    );
  }

  private refuse(incoming: Incoming, reason: Reason, glance: Glance | undefined): Outcome {
    const { shadow = false, whenAway, onRefused, whenRefused } = this.options;
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
    onRefused?.(refusal);
    if (passes) return FREE;
    const answer = whenRefused?.(refusal) ?? problemOf(refusal, this.teller.shown(limitedBy));
    const { status = refusal.status, body, headers = PLAIN } = answer;
    const seconds = this.teller.retryAfter(retryAfterMs, limitedBy, glance);
    const headings: string[] = [];
    for (const [name, value] of Object.entries(headers)) headings.push(name, value);
    if (glance !== undefined) headings.push(...this.teller.headings(glance));
    if (!Number.isNaN(seconds)) headings.push("retry-after", `${seconds}`);
    return { passes: false, status, headings, body };
  }
}
