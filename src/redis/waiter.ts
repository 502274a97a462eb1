/** A request of this process, from the call until the answer that ends it. */
import type { AcquireOptions } from "../contract.ts";
import { toMicros } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import type { Due } from "../waiting/deadlines.ts";
import type { Outlook } from "../waiting/gate.ts";
import type { Line } from "../waiting/line.ts";
import type { Ranked } from "../waiting/standing.ts";
import { stepsOf } from "./allowance.ts";
import type { Definitions } from "./definitions.ts";
import type { RedisAcquisition } from "./era-granter.ts";
import type { Standing } from "./lines.ts";
import type { Request } from "./place.ts";
import { type Before, laterBy, outlookOf } from "./refusing.ts";
import type { Roster } from "./roster.ts";
import type { Refused } from "./wire.ts";

/** A call that asks for a request. */
export interface Asked {
  readonly request: Request;
  /** A try: it is refused instead of waiting. */
  readonly isOnce: boolean;
  readonly options: AcquireOptions | undefined;
  readonly ranked: Ranked;
  /** When it was made, by the conversation's clock. */
  readonly askedAt: number;
  /** The same moment in milliseconds by the set's clock. */
  readonly now: number;
  readonly resolve: (value: Granted) => void;
  readonly reject: (error: unknown) => void;
}

const NOBODY: Refused = { kind: "refused", refusers: [] };

/** The value of a waiter's promise. Its keys are those of the set, which the queue knows. */
export type Granted = RedisAcquisition<string, string>;

export class Waiter implements Due, Standing<Waiter> {
  request: Request;
  /** What it wants of each limit, as those behind it count that. */
  demand: readonly number[];
  wanted: readonly number[] | undefined = undefined;
  readonly key: number;
  readonly turn: number;
  readonly priority: number;
  readonly partition: string;
  /** A try: it is asked for once, stands in no line, and is refused instead of waiting. */
  readonly isOnce: boolean;
  /** When it gives up, in milliseconds since its call. */
  readonly timeoutMs: number;
  /** It does not wait if that is known to take longer. */
  readonly maxWaitMs: number;
  readonly signal: AbortSignal | undefined;
  /** When it came, in microseconds. */
  readonly since: number;
  /** The same moment by the conversation's clock. */
  readonly askedAt: number;
  /** When it gives up, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly resolve: (value: Granted) => void;
  readonly reject: (error: unknown) => void;
  place = -1;
  line: Line<Waiter> | undefined = undefined;
  /** Part of a batch that is on its way. */
  isSent = false;
  /** Its line stood still when it came, so that it was not asked for at once. */
  isDelayed = false;
  /** It has been refused, and waits for another answer. */
  hasWaited = false;
  /** Its timeout has passed: the next answer decides. */
  isLate = false;
  /** Its signal has aborted while it was on its way. */
  isAborted = false;
  hasLeft = false;
  /** How it was refused last, and as of when: in milliseconds since the epoch. */
  refused = NOBODY;
  refusedAt = Number.POSITIVE_INFINITY;
  readonly #clock: Clock;

  /** `partition` is the one that counts for its turn. */
  constructor(asked: Asked, demand: readonly number[], partition: string, clock: Clock) {
    const { request, isOnce, options, ranked, askedAt, now, resolve, reject } = asked;
    const longest = Number.POSITIVE_INFINITY;
    this.request = request;
    this.demand = demand;
    this.key = ranked.key;
    this.turn = ranked.turn;
    this.priority = options?.priority ?? 0;
    this.partition = partition;
    this.isOnce = isOnce;
    this.maxWaitMs = options?.maxWaitMs ?? longest;
    this.timeoutMs = Math.min(options?.timeoutMs ?? longest, this.maxWaitMs);
    this.signal = isOnce ? undefined : options?.signal;
    this.since = toMicros(now);
    this.askedAt = askedAt;
    this.deadline = isOnce ? longest : now + this.timeoutMs;
    this.resolve = resolve;
    this.reject = reject;
    this.#clock = clock;
  }

  /** It wants other units, since the set has other limits. */
  renew(request: Request, demandOf: (request: Request) => readonly number[]): void {
    this.request = request;
    this.demand = demandOf(request);
    this.wanted = undefined;
    this.refused = NOBODY;
  }

  /** What it asks of the server, as an `Allowance` counts. */
  get steps(): number {
    return stepsOf(this.request.units, this.request.place);
  }

  /** The request as the script reads it: the code of an operation, the request, and what stands before it. Undefined once it has left. */
  encode(code: string, definitions: Definitions, roster: Roster, before: string): string | undefined {
    const { units, place } = this.request;
    if (this.hasLeft) return undefined;
    return code + this.#age + definitions.encode(units, roster.slotsOf(place)) + before;
  }

  /** The units that it takes, if it has not left, never waited, is not nested, and takes of no partition. */
  get takes(): readonly number[] | undefined {
    const { units, covered, place } = this.request;
    return this.hasLeft || this.hasWaited || covered || place ? undefined : units;
  }

  /** The code of the operation that asks for it. After its deadline it only asks which limits refuse it. */
  get code(): string {
    const { covered } = this.request;
    if (this.isOnce) return covered ? "M" : "O";
    if (this.deadline < this.#clock.now()) return "P";
    return covered ? "N" : "T";
  }

  /** Why it is refused, as of now. */
  outlook(lines: Before, definitions: Definitions): Outlook {
    return laterBy(this.#clock.now() - this.refusedAt, outlookOf(lines, this, this.refused, definitions));
  }

  /** For how long it has waited, in milliseconds: 0 if it was asked for at once, and granted by the first answer. */
  get waitedMs(): number {
    return this.hasWaited || this.isDelayed ? this.#waited / 1000 : 0;
  }

  /** For how long it has waited, in microseconds; empty if it has never been refused. */
  get #age(): string {
    return this.hasWaited ? `${this.#waited} ` : "";
  }

  get #waited(): number {
    return Math.max(0, toMicros(this.#clock.now()) - this.since);
  }
}
