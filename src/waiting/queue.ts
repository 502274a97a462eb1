/** The part that the queues of all runtimes share: how a request is tested behind the waiters, and how it comes to wait. */
import type { AcquireOptions } from "../contract.ts";
import { type Answer, isGranted, tokenOf } from "../core/answer.ts";
import { toMicros } from "../limits/units.ts";
import type { Due } from "./deadlines.ts";
import type { Asked, Gate, Queue, QueueOptions } from "./gate.ts";
import type { Judge, Pause, Verdict } from "./judge.ts";
import type { Standing } from "./line.ts";
import { Lines } from "./lines.ts";
import { Rounds } from "./rounds.ts";
import { LAST, limitsOf, NEWCOMER, type Place, type Ranked, type Request } from "./standing.ts";
import type { Keeper } from "./wards.ts";

/** A waiter's promise, and the reasons that may end its wait. */
export interface Waiting<T, W extends Standing<W>> extends Standing<W>, Due {
  /** In units of the limits that the set has now. */
  request: Request;
  demand: readonly number[];
  /** When it came, in microseconds. */
  readonly since: number;
  readonly timeoutMs: number;
  readonly priority: number;
  /** The partition that counts for its turn. */
  readonly partition: string;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * The moment that is `waitMs` after the core's reading of `now`. It is counted from whole microseconds: from one timer to the next, the
 * rest of a clock's reading would add up.
 */
function momentAfter(now: number, waitMs: number): number {
  return (toMicros(now) + Math.round(waitMs * 1000)) / 1000;
}

export abstract class BaseQueue<T, W extends Waiting<T, W>> implements Queue<T>, Judge<W>, Keeper {
  protected gate: Gate<T>;
  lines: Lines<W>;
  /** When a waiter could go next, in milliseconds since the epoch; Infinity if that depends on a release. */
  protected passesAt = Number.POSITIVE_INFINITY;
  /** The time of the present judgement. */
  protected now = 0;
  verdict: Verdict = { at: -1, moment: 0, isBlocked: false, isPaused: false };
  private readonly maxWaiting: number;
  private readonly agingMs: number | undefined;
  private turns = 0;
  private fairAt: number | undefined;
  private readonly rounds: Rounds | undefined;

  constructor(limits: number, gate: Gate<T>, options: QueueOptions) {
    this.gate = gate;
    this.maxWaiting = options.maxWaiting ?? Number.POSITIVE_INFINITY;
    this.agingMs = options.agingMs;
    this.fairAt = options.fairAt;
    this.rounds = options.fairAt === undefined ? undefined : new Rounds();
    this.lines = new Lines(limits, this);
  }

  abstract judge(waiter: W, demand: readonly number[] | undefined): boolean;
  abstract serve(back?: readonly number[], request?: Request): void;
  abstract close(error: Error): void;

  /** Lets the waiters go that could go by now, but whose timer has not fired yet. */
  protected abstract catchUp(now: number): void;

  /** Stands the waiter in its line. `verdict` is that of just now, if it was judged. */
  protected abstract stand(waiter: Waiting<T, W>, verdict: Verdict | undefined, now: number): void;

  renew(limits: number, fairAt?: number): (gate: Gate<unknown>, now: number) => void {
    const waiters = this.lines.inOrder();
    const isPaused = waiters.some(({ line }) => line!.aside);
    this.lines = new Lines(limits, this);
    this.fairAt = fairAt;
    for (const waiter of waiters) waiter.line = undefined;
    return (gate, now) => {
      const before = this.gate;
      this.gate = gate as Gate<T>;
      this.now = now;
      for (const waiter of waiters) this.standAnew(waiter, before);
      if (isPaused) this.lines.review(this, new Array<number>(limits).fill(0));
      this.serve();
    };
  }

  /** Stands a waiter of the gate `before` in its line of the present gate, or turns it away. */
  protected standAnew(waiter: W, before: Gate<T>): void {
    try {
      waiter.request = this.gate.anew(waiter.request, before);
      waiter.demand = this.gate.demandOf(waiter.request);
      waiter.wanted = undefined;
    } catch (error) {
      this.settle(waiter).reject(error);
      return;
    }
    if (waiter.request.units.some((count) => count > 0)) this.lines.stand(waiter);
    // Of the limits that it waited for none is left.
    else
      this.judgeAnswer(waiter, this.gate.take(waiter.request, undefined, this.now, waiter.since), undefined);
  }

  reviewPauses(now: number, units?: readonly number[], place?: Place): void {
    this.now = now;
    this.lines.review(this, units, place);
  }

  pauseOf(request: Request): Pause | undefined {
    const answer = this.gate.probe(request, undefined, this.now);
    return isGranted(answer) ? undefined : this.pauseMet(request, this.now);
  }

  /** The longest pause that the request meets which the gate has just refused. */
  private pauseMet({ units, covered }: Request, now: number): Pause | undefined {
    // A nested request stands as it is: its caller holds something.
    if (covered) return undefined;
    let [at, longest] = [-1, 0];
    for (let i = 0; i < units.length; i++) {
      const ms = units[i]! > 0 && this.gate.waitAt(i) > 0 ? this.gate.pausedFor(i, now) : 0;
      if (ms > longest) [at, longest] = [i, ms];
    }
    return at < 0 ? undefined : { at, moment: momentAfter(now, longest) };
  }

  isOverdrawn(index: number, total: number, request: Request): boolean {
    return this.gate.isOverdrawn(index, total, this.now, request);
  }

  waitedFor(place: Place, index: number): void {
    this.gate.waitedFor(place, index, true);
  }

  forsaken(place: Place, index: number): boolean {
    return this.gate.waitedFor(place, index, false);
  }

  roomAt(index: number, request: Request): number {
    // A refusal by the core tells other threads of the waiter.
    return this.gate.wakeWord ? Number.POSITIVE_INFINITY : this.gate.roomAt(index, request);
  }

  ask(request: Request, now: number, ranked = this.rank(request, now)): Asked {
    this.catchUp(now);
    this.now = now;
    return { request, ranked, demand: this.lines.demandBefore(request, ranked, this) };
  }

  demandOfAll(now: number): readonly number[] | undefined {
    this.catchUp(now);
    this.now = now;
    return this.agingMs === undefined && !this.rounds ? this.lines.demandOfAll(LAST) : undefined;
  }

  acquire(request: Request, now: number, options?: AcquireOptions): Promise<T> {
    this.catchUp(now);
    const ranked = this.rank(request, now, options);
    // It could not go before the head of its own line, which has been refused.
    if (this.canWait(request, options) && this.lines.hasLineBefore(request, ranked)) {
      return this.enqueue(request, ranked, undefined, now, options);
    }
    const asked = this.ask(request, now, ranked);
    const since = toMicros(now);
    const { gate } = this;
    const answer = gate.take(request, asked.demand, now, since);
    if (isGranted(answer)) {
      this.rounds?.granted(ranked.key, options?.priority ?? 0);
      return Promise.resolve(gate.grant(request, tokenOf(answer), 0));
    }
    // The core may have corrected the clock.
    const later = gate.clock.now();
    if (gate !== this.gate) return this.acquire(this.gate.anew(request, gate), later, options);
    return this.waitRefused(asked, later, options);
  }

  wait(request: Request, now: number, options?: AcquireOptions): Promise<T> {
    const ranked = this.rank(request, now, options);
    return this.waitRefused({ request, ranked, demand: undefined }, now, options);
  }

  /** Where a waiter is parked that the gate has just refused. */
  protected verdictOn(request: Request, demand: readonly number[] | undefined, now: number): Verdict {
    const pause = this.pauseMet(request, now);
    if (pause) return { ...pause, isBlocked: false, isPaused: true };
    const { units } = request;
    let at = -1;
    let longest = 0;
    for (let i = 0; i < units.length; i++) {
      const wait = units[i]! > 0 ? this.gate.waitAt(i) : 0;
      if (wait <= longest) continue;
      at = i;
      longest = wait;
    }
    // It was reclaimed, and the set ends soon.
    if (at < 0)
      return { at: limitsOf(units)[0]!, moment: Number.POSITIVE_INFINITY, isBlocked: false, isPaused: false };
    // Where those before it leave no room at all, only their grants or their leaving help.
    const isBlocked = demand !== undefined && demand[at]! > this.gate.roomAt(at, request);
    const moment = isBlocked ? Number.POSITIVE_INFINITY : momentAfter(now, longest);
    return { at, moment, isBlocked, isPaused: false };
  }

  /** Grants a waiter and returns true, or notes why it is refused. */
  protected judgeAnswer(waiter: W, answer: Answer, demand: readonly number[] | undefined): boolean {
    const { request } = waiter;
    if (!isGranted(answer)) {
      this.verdict = this.verdictOn(request, demand, this.now);
      return false;
    }
    const waitedMs = (toMicros(this.now) - waiter.since) / 1000;
    this.settle(waiter, true).resolve(this.gate.grant(request, tokenOf(answer), Math.max(0, waitedMs)));
    return true;
  }

  /** Takes a waiter out of its line, and ends its wait. */
  protected abstract settle(waiter: W, isGranted?: boolean): W;

  /** The error for a waiter whose timeout has passed. */
  protected timeout(waiter: W, now: number): Error {
    const { request, timeoutMs } = waiter;
    this.gate.timedOut(request);
    this.now = now;
    const demand = this.lines.demandBefore(request, waiter, this);
    return this.gate.timeout(this.gate.outlook({ request, ranked: waiter, demand }, now, false), timeoutMs);
  }

  /** The place of a request that has just come. */
  private rank(request: Request, now: number, options?: AcquireOptions): Ranked {
    const { agingMs, rounds } = this;
    if (agingMs === undefined && options === undefined && !rounds) return LAST;
    const priority = options?.priority ?? 0;
    if (!rounds)
      return { key: agingMs === undefined ? 0 - priority : now - priority * agingMs, turn: NEWCOMER };
    if (this.lines.size === 0) rounds.clear();
    return { key: rounds.keyOf(this.partitionOf(request), priority), turn: NEWCOMER };
  }

  /** The partition of a request that counts for its turn: one of all that name none. */
  private partitionOf({ place }: Request): string {
    // The name goes on where the dimension has another number.
    return place?.wardOf(this.fairAt!)?.slice(1) ?? "";
  }

  /** A waiter has left its line. */
  protected left({ key, priority, partition }: W, isGranted: boolean): void {
    if (isGranted) this.rounds?.granted(key, priority);
    else this.rounds?.gone(partition, key, priority);
  }

  /** Whether a request may wait, whatever its outlook. */
  private canWait({ covered }: Request, options: AcquireOptions | undefined): boolean {
    return (
      options?.timeoutMs !== 0 && options?.maxWaitMs === undefined && (covered !== undefined || !this.isFull)
    );
  }

  private get isFull(): boolean {
    // Nested requests do not count: their acquisition is in already.
    return this.lines.size - this.lines.nested >= this.maxWaiting;
  }

  private waitRefused(asked: Asked, now: number, options: AcquireOptions | undefined): Promise<T> {
    const { request, ranked, demand } = asked;
    const verdict = this.verdictOn(request, demand, now);
    const standing = this.gate.standing(request);
    if (!this.canWait(request, options)) this.checkBounds(asked, now, options);
    return this.enqueue(standing, ranked, verdict, now, options);
  }

  private checkBounds(asked: Asked, now: number, options: AcquireOptions | undefined): void {
    const outlook = this.gate.outlook(asked, now, true);
    if (options?.timeoutMs === 0) {
      this.gate.timedOut(asked.request);
      throw this.gate.timeout(outlook, 0);
    }
    const maxWaitMs = options?.maxWaitMs ?? Number.POSITIVE_INFINITY;
    const isTooMuch = outlook.knownMs > maxWaitMs || (!asked.request.covered && this.isFull);
    if (isTooMuch) this.gate.refused(outlook);
    if (outlook.knownMs > maxWaitMs) throw this.gate.tooLong(outlook, maxWaitMs);
    if (!asked.request.covered && this.isFull) throw this.gate.full(outlook, this.maxWaiting);
  }

  private enqueue(
    request: Request,
    { key }: Ranked,
    verdict: Verdict | undefined,
    now: number,
    options: AcquireOptions | undefined,
  ): Promise<T> {
    const { gate } = this;
    gate.begins(request);
    // A warning may have led to a change of the limits.
    if (gate !== this.gate) return this.acquire(this.gate.anew(request, gate), now, options);
    return new Promise<T>((resolve, reject) => {
      const longest = Number.POSITIVE_INFINITY;
      const timeoutMs = Math.min(options?.timeoutMs ?? longest, options?.maxWaitMs ?? longest);
      const waiter: Waiting<T, W> = {
        request,
        demand: this.gate.demandOf(request),
        key,
        turn: this.turns++,
        priority: options?.priority ?? 0,
        partition: this.rounds ? this.partitionOf(request) : "",
        since: toMicros(now),
        deadline: now + timeoutMs,
        timeoutMs,
        signal: options?.signal,
        place: -1,
        wanted: undefined,
        resolve,
        reject,
        line: undefined,
      };
      this.rounds?.begin(waiter.partition, key, waiter.priority, this.lines.size);
      this.stand(waiter, verdict, now);
    });
  }
}
