/** The granter of a set in this isolate: it stands between the core, the set's acquisitions and its waiters. */
import type { AcquireOptions, Acquisition } from "../contract.ts";
import { type Answer, isReclaimed, REFUSED } from "../core/answer.ts";
import { NO_TIME } from "../core/front.ts";
import type { Region } from "../core/region.ts";
import type { WakeWord } from "../core/sharing.ts";
import { type AcquireTimeoutError, type LimitError, LimitSetClosedError } from "../errors.ts";
import { CHARGES, GIVES_BACK, MISSES, type Requests } from "../limits/requests.ts";
import type { Clock } from "../platform/clock.ts";
import type { Gate, Queue } from "../waiting/gate.ts";
import type { Request } from "../waiting/line.ts";
import { queueFor } from "../waiting/queue-for.ts";
import { Grant, type Granter } from "./acquisition.ts";
import { reportDeadlock } from "./bodies.ts";
import type { Denials } from "./denials.ts";
import { type LeakWatch, watchLeaks } from "./leaks.ts";

/** The parts of a set that its granter needs. */
export interface LocalSet<K extends string> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly clock: Clock;
  readonly region: Region;
  readonly denials: Denials<K>;
  readonly onWarning: (warning: LimitError) => void;
  readonly acquireNested: Granter<K>["acquireNested"];
  /** Called when the core says that another thread has reclaimed this one. */
  readonly reclaimed: () => void;
}

export class LocalGranter<K extends string> implements Granter<K>, Gate<Acquisition<K, K>> {
  readonly requests: Requests<K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly leaks: LeakWatch | undefined;
  readonly acquireNested: Granter<K>["acquireNested"];
  readonly clock: Clock;
  /** The waiters of the set, for which this is the gate. */
  readonly queue: Queue<Acquisition<K, K>>;
  private readonly due: number[];
  private readonly denials: Denials<K>;
  private readonly onWarning: (warning: LimitError) => void;
  private readonly reclaimed: () => void;
  /** Undefined once the set is closed. */
  private region: Region | undefined;

  constructor(set: LocalSet<K>) {
    this.requests = set.requests;
    this.config = set.config;
    this.missingUpdate = set.missingUpdate;
    this.acquireNested = set.acquireNested;
    this.clock = set.clock;
    this.due = set.requests.keys.map(() => 0);
    this.denials = set.denials;
    this.onWarning = set.onWarning;
    this.reclaimed = set.reclaimed;
    this.region = set.region;
    this.queue = queueFor(set.requests.keys.length, this);
    // An acquisition that is dropped loses only resources, and to watch it costs as much as a take.
    if (set.requests.resources.length > 0) this.leaks = watchLeaks(this, set.onWarning);
  }

  get closed(): boolean {
    return this.region === undefined;
  }

  close(): void {
    this.region = undefined;
  }

  settle(token: number, taken: readonly number[], used: readonly number[] | undefined): boolean {
    const due = this.due;
    const flags = this.requests.settlement(taken, used, due);
    // A closed set has given back everything already.
    if (this.region !== undefined && (flags & (GIVES_BACK | CHARGES)) !== 0) {
      if ((flags & CHARGES) === 0) this.region.settle(due, NO_TIME, token);
      else this.charge(token, taken, used);
      if (this.queue.lines.size > 0) this.queue.serve();
    }
    return (flags & MISSES) !== 0;
  }

  /** Settles with a charge, which needs the time. The clock is read first: a clock that uses the set would write into `due`. */
  private charge(token: number, taken: readonly number[], used: readonly number[] | undefined): void {
    const now = this.clock.now();
    this.requests.settlement(taken, used, this.due);
    this.region?.settle(this.due, now, token);
  }

  get wakeWord(): WakeWord | undefined {
    return this.region?.sharing?.wakeWord;
  }

  take({ units, covered }: Request, now: number, since: number): Answer {
    const answer = this.open().takeSince(units, now, since, covered !== undefined);
    if (!isReclaimed(answer)) return answer;
    // The set ends a little later, since the queue is in the middle of serving.
    queueMicrotask(this.reclaimed);
    return REFUSED;
  }

  probe({ units }: Request, now: number): Answer {
    return this.open().probe(units, now);
  }

  withdraw(since: number): void {
    this.region?.sharing?.withdraw(since);
  }

  /** Lets a request wait, as the queue's `enqueue` says. */
  enqueue(
    request: Request,
    wait: number | undefined,
    now: number,
    options: AcquireOptions | undefined,
  ): Promise<Acquisition<K, K>> {
    reportDeadlock(this.requests, request.units, this.onWarning);
    return this.queue.enqueue(request, wait, now, options);
  }

  grant({ units, covered }: Request, token: number): Grant<K> {
    return new Grant(this, units, token, covered);
  }

  timeout({ units }: Request, timeoutMs: number): AcquireTimeoutError {
    return this.denials.timeout(this.open(), units, this.clock.now(), timeoutMs);
  }

  private open(): Region {
    if (this.region === undefined) throw new LimitSetClosedError();
    return this.region;
  }
}
