/** A request of this process, from the call until the answer that ends it. */
import type { AcquireOptions } from "../contract.ts";
import { toMicros } from "../limits/units.ts";
import type { Clock } from "../platform/clock.ts";
import type { Due } from "../waiting/deadlines.ts";
import type { Request } from "../waiting/standing.ts";
import { stepsOf } from "./allowance.ts";
import type { Definitions } from "./definitions.ts";
import type { Line, Waiting } from "./line.ts";
import type { Refusal } from "./refusing.ts";

export interface Asked {
  readonly request: Request;
  readonly turn: number;
  readonly isOnce: boolean;
  /** When it was made, by the conversation's clock. */
  readonly askedAt: number;
  readonly options: AcquireOptions | undefined;
  readonly clock: Clock;
}

export class Waiter<T> implements Due, Waiting<T, Waiter<T>> {
  readonly request: Request;
  /** All requests are of one priority. */
  readonly key = 0;
  readonly turn: number;
  /** What it asks of the server, as an `Allowance` counts. */
  readonly steps: number;
  /** A try: it is asked for once, stands in no line, and is refused instead of waiting. */
  readonly isOnce: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly since: number;
  /** The same moment by the conversation's clock. */
  readonly askedAt: number;
  readonly deadline: number;
  readonly resolve: Waiting<T, never>["resolve"];
  readonly reject: (error: unknown) => void;
  place = -1;
  line: Line<Waiter<T>> | undefined = undefined;
  previous: Waiter<T> | undefined = undefined;
  next: Waiter<T> | undefined = undefined;
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
  /** How it was refused last. */
  refused: Refusal = { by: [], waitMs: 0 };
  readonly #clock: Clock;

  constructor(
    { request, turn, isOnce, askedAt, options, clock }: Asked,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    const now = clock.now();
    this.request = request;
    this.turn = turn;
    this.steps = stepsOf(request.units);
    this.isOnce = isOnce;
    this.timeoutMs = options?.timeoutMs ?? Number.POSITIVE_INFINITY;
    this.signal = isOnce ? undefined : options?.signal;
    this.since = toMicros(now);
    this.askedAt = askedAt;
    this.deadline = isOnce ? Number.POSITIVE_INFINITY : now + this.timeoutMs;
    this.resolve = resolve;
    this.reject = reject;
    this.#clock = clock;
  }

  /** The request as the script reads it, behind the code of an operation; undefined once it has left. */
  encode(code: string, definitions: Definitions): string | undefined {
    return this.hasLeft ? undefined : code + this.#age + definitions.encode(this.request.units);
  }

  /** The code of the operation that asks for it. After its deadline it only asks which limits refuse it. */
  get code(): string {
    if (this.deadline < this.#clock.now()) return "P";
    return this.request.covered ? "N" : "T";
  }

  /** What it wants of each limit. */
  get demand(): readonly number[] {
    return this.request.units;
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
