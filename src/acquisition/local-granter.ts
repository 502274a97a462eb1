/** The granter of a set in this isolate: it stands between the core, the set's acquisitions and its waiters. */

import type { AcquireOptions, Acquisition, Amounts, Prospect } from "../contract.ts";
import { type Answer, isGranted, isMoved, isReclaimed, isRefused, tokenOf, waitOf } from "../core/answer.ts";
import { type Region, TRY } from "../core/region.ts";
import { type AcquireTimeoutError, LimitSetClosedError } from "../errors.ts";
import { type Era, passCovered, passOn, passRequest } from "../limits/era.ts";
import type { Requests } from "../limits/requests.ts";
import { toMicros } from "../limits/units.ts";
import type { Asked, Gate, Outlook, Waiters } from "../waiting/gate.ts";
import { LAST, type Request } from "../waiting/standing.ts";
import { Grant, type Granter, Refusal } from "./acquisition.ts";
import { Denials } from "./denials.ts";
import { type LeakWatch, watchLeaks } from "./leaks.ts";
import type { LocalSet } from "./local-set.ts";
import { Outlooks } from "./outlook.ts";
import type { Place as PlaceOf } from "./place.ts";
import { Settlements } from "./settlements.ts";

/** In place of the waiters of a set with shadows. */
const CROWDED = { size: 1 };

export class LocalGranter<M extends string, K extends string = M>
  extends Settlements<M, K>
  implements Granter<M, K>, Gate<Acquisition<M, K>>
{
  readonly leaks: LeakWatch | undefined;
  /** Made for the first refusal. */
  private denied: Denials<K> | undefined = undefined;
  /** Made for the first request that is refused with others, or behind others. */
  private foreseen: Outlooks | undefined = undefined;
  declare protected later: (() => LocalGranter<M, K>) | undefined;

  /** `before` is the granter of the era before. */
  constructor(set: LocalSet<M, K>, era: Era<M, K>, region: Region, before?: LocalGranter<M, K>) {
    super(set, era, region);
    // An acquisition that is dropped loses only resources, and to watch it costs as much as a take.
    // One from before may be dropped later: the watch of all eras lasts only while the present one has it.
    const isWatched = this.requests.resources.length > 0 || before?.leaks !== undefined;
    if (isWatched) this.leaks = watchLeaks(this, (warning) => set.warn(warning), before?.leaks);
  }

  get config(): Readonly<Record<string, unknown>> {
    return this.set.config;
  }

  get missingUpdate(): "throw" | "charge" {
    return this.set.missingUpdate;
  }

  private get denials(): Denials<K> {
    this.denied ??= new Denials(this.requests.keys, this.config);
    return this.denied;
  }

  private get outlooks(): Outlooks {
    this.foreseen ??= new Outlooks(this.requests, this.set);
    return this.foreseen;
  }

  /**
   * What the set looks at before it takes by the shortest path. A set with shadows takes by the longer one, where the answer is looked
   * at: it never finds the door free.
   */
  get door(): Pick<Waiters, "size"> {
    return this.requests.shadows.length > 0 ? CROWDED : this.set.lines;
  }

  present(units: readonly number[]): readonly [Requests<string>, readonly number[]] {
    const { era } = this.later?.() ?? this;
    return [era.requests as unknown as Requests<string>, passOn(this.era, era, units)];
  }

  acquireNested(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>> {
    return this.set.enter(requested, options, this.coveredNow(covered));
  }

  coveredNow(covered: readonly boolean[]): readonly boolean[] {
    return this.later ? passCovered(this.era, this.later().era, covered) : covered;
  }

  anew({ units, covered, place }: Request, from: Gate<unknown>): Request {
    const { era } = from as LocalGranter<M, K>;
    const before = place as PlaceOf<M, K> | undefined;
    const here = before?.latest;
    return {
      units: passRequest(before?.era ?? era, here?.era ?? this.era, units),
      covered: covered && passCovered(era, this.era, covered),
      place: here,
    };
  }

  /** The refusal of a try for `units` that the core has just answered, while no request waits. */
  refuse(answer: Answer, units: readonly number[]): Refusal<M, K> {
    if (isReclaimed(answer)) this.endReclaimed();
    return new Refusal(this.denials.last(this.open(), units), waitOf(answer));
  }

  /** A try while requests wait: it passes them only where it delays none of them. Undefined if another thread has redefined the set. */
  tryAmong(units: readonly number[], first: number, end: number, now: number): Acquisition<M, K> | undefined {
    const demand = this.set.queue?.demandOfAll(now);
    const asked = demand ? undefined : this.ask({ units }, now);
    const region = this.open();
    const answer = region.takeBehind(units, first, end, now, demand ?? asked?.demand);
    // The most common answer by itself, for speed: one limit refuses a request that stands behind all.
    if (demand && isRefused(answer)) {
      const { refuser } = region;
      if (refuser >= 0) {
        const ahead = this.set.lines.standingAt(refuser);
        const wait = this.outlooks.waitAt(
          region,
          units,
          undefined,
          LAST,
          refuser,
          waitOf(answer),
          ahead,
          now,
        );
        return new Refusal(this.denials.by(refuser), wait, ahead);
      }
    }
    return this.answerAmong(region, asked ?? { request: { units }, ranked: LAST, demand }, answer, now);
  }

  /** The same, for a request in partitions. */
  tryIn(request: Request, now: number): Acquisition<M, K> | undefined {
    const asked = this.ask(request, now);
    const region = this.open();
    const answer = region.takeSince(
      request.units,
      now,
      toMicros(now),
      false,
      asked.demand,
      TRY,
      request.place?.names,
    );
    return this.answerAmong(region, asked, answer, now);
  }

  private answerAmong(
    region: Region,
    asked: Asked,
    answer: Answer,
    now: number,
  ): Acquisition<M, K> | undefined {
    if (isGranted(answer)) return this.grant(asked.request, tokenOf(answer), 0);
    if (isReclaimed(answer)) this.endReclaimed();
    if (isMoved(answer)) return undefined;
    const { refuser } = region;
    // The most common case by itself, for speed: one limit refuses.
    if (refuser >= 0) {
      const ahead = this.set.lines.countBefore(refuser, asked.ranked, asked.request);
      const { units, place } = asked.request;
      const wait = this.outlooks.waitAt(
        region,
        units,
        place,
        asked.ranked,
        refuser,
        waitOf(answer),
        ahead,
        now,
      );
      return new Refusal(this.denials.by(refuser), wait, ahead);
    }
    const outlook = this.outlooks.of(region, asked, now);
    return new Refusal(this.denials.behind(outlook), outlook.retryAfterMs, outlook.ahead);
  }

  /** The error for a request whose thread was blocked: it passes all waiters of the thread, since they could not run. */
  blockedTimeout(units: readonly number[], timeoutMs: number, place?: PlaceOf<M, K>): AcquireTimeoutError {
    const ranked = { key: Number.NEGATIVE_INFINITY, turn: 0 };
    const asked = { request: { units, place }, ranked, demand: undefined };
    this.timedOut(asked.request);
    return this.timeout(this.outlook(asked, this.clock.now(), false), timeoutMs);
  }

  /** Undefined if another thread has redefined the set. */
  peek(units: readonly number[], now: number, place?: PlaceOf<M, K>): Prospect<K> | undefined {
    const asked = this.ask({ units, place }, now);
    const region = this.open();
    const answer = region.probe(units, now, asked.demand, place?.names);
    if (isReclaimed(answer)) this.endReclaimed();
    if (isMoved(answer)) return undefined;
    if (isGranted(answer)) return { successful: true, retryAfterMs: 0, limitedBy: [], ahead: 0 };
    const { limitedBy, retryAfterMs, ahead } = this.outlooks.of(region, asked, now);
    return { successful: false, retryAfterMs, limitedBy: this.denials.named(limitedBy), ahead };
  }

  grant({ units, covered, place }: Request, token: number, waitedMs: number): Grant<M, K> {
    const region = this.open();
    const taken = this.requestsIn(place).shadows.length > 0 ? region.markPassed(units) : units;
    const granter = (place as PlaceOf<M, K> | undefined)?.sharing(region.sharedTaken) ?? this;
    return Grant.of(granter, taken, token, covered, waitedMs);
  }

  outlook(asked: Asked, now: number, isFresh: boolean): Outlook {
    const region = this.open();
    if (!isFresh) this.probe(asked.request, asked.demand, now);
    const outlook = this.outlooks.of(region, asked, now);
    const isShut =
      outlook.retryAfterMs === Number.POSITIVE_INFINITY && this.isPausedForGood(outlook, asked, now);
    return isShut ? { ...outlook, knownMs: Number.POSITIVE_INFINITY } : outlook;
  }

  protected endReclaimed(): never {
    this.set.reclaimed();
    throw new LimitSetClosedError("reclaimed");
  }

  protected open(): Region {
    if (this.region === undefined) throw new LimitSetClosedError();
    return this.region;
  }
}
