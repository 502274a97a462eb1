/**
 * Who waits, and in which order.
 *
 * First come, first served among requests that share a limit: a waiter is passed only by requests that share none with
 * it or with anybody it would be waiting behind. So that a hundred thousand waiters cost as much each as ten, they are
 * kept in lines: one line for each combination of limits that is being waited for, and only the heads of lines are
 * ever looked at.
 *
 * A nested request (one whose caller holds something already) does not wait behind a request that waits for a
 * resource: what it holds may be that very resource. Behind requests that only wait for time to pass, it waits like
 * everybody else.
 */

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
}

/** Somebody in a line. */
export interface Standing<W> {
  readonly request: Request;
  /** Grows with every one that comes. */
  readonly turn: number;
  /** Where it stands; undefined while it does not. */
  line: Line<W> | undefined;
  previous: W | undefined;
  next: W | undefined;
}

/** Somebody in a line who has been promised a `T`. */
export interface Waiting<T, W> extends Standing<W> {
  /** When it came, in microseconds. */
  readonly since: number;
  /** When it gives up, in milliseconds since the epoch. */
  readonly deadline: number;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** The waiters that want the same combination of limits, in order. */
export interface Line<W> {
  readonly name: string;
  readonly limits: readonly number[];
  readonly nested: boolean;
  head: W | undefined;
  tail: W | undefined;
  /** In the present drain: the head has been tried and refused, or stands behind somebody who was. */
  stopped: boolean;
}

// In a drain, who may not pass a limit any more.
const FREE = 0;
/** Somebody waits there for a release: nested requests still pass. */
const AWAITS_RELEASE = 1;
/** Somebody waits there for time to pass: nobody else passes. */
const AWAITS_TIME = 2;

export abstract class Lines<W extends Standing<W>> {
  readonly #lines = new Map<string, Line<W>>();
  /** How many wait for each limit. */
  readonly #waiting: number[];
  /** For each limit, during a drain: who is stopped there. */
  readonly #stops: number[];
  #size = 0;

  constructor(limits: number) {
    this.#waiting = new Array(limits).fill(0);
    this.#stops = new Array(limits).fill(FREE);
  }

  get size(): number {
    return this.#size;
  }

  /** How many wait for limit `index`. */
  waitingFor(index: number): number {
    return this.#waiting[index]!;
  }

  /** Whether somebody waits for one of the limits that `units` names. */
  protected wants(units: readonly number[]): boolean {
    return units.some((count, i) => count > 0 && this.#waiting[i]! > 0);
  }

  protected get lines(): Iterable<Line<W>> {
    return this.#lines.values();
  }

  /** Puts a waiter into its line, behind all who came before it. */
  protected stand(waiter: W): void {
    const line = this.#lineFor(waiter.request);
    let before = line.tail;
    while (before && before.turn > waiter.turn) before = before.previous;
    const after = before ? before.next : line.head;
    waiter.line = line;
    waiter.previous = before;
    waiter.next = after;
    if (before) before.next = waiter;
    else line.head = waiter;
    if (after) after.previous = waiter;
    else line.tail = waiter;
    this.#size++;
    for (const index of line.limits) this.#waiting[index]!++;
  }

  protected leave(waiter: W): void {
    const { line, previous, next } = waiter;
    if (!line) return;
    waiter.line = undefined;
    if (previous) previous.next = next;
    else line.head = next;
    if (next) next.previous = previous;
    else line.tail = previous;
    if (!line.head) this.#lines.delete(line.name);
    this.#size--;
    for (const index of line.limits) this.#waiting[index]!--;
  }

  /** Lets everybody move again. */
  protected restart(): void {
    this.#stops.fill(FREE);
    for (const line of this.#lines.values()) line.stopped = false;
  }

  /** The line, of those that may still move, whose head came first. */
  protected nextLine(): Line<W> | undefined {
    for (;;) {
      let first: Line<W> | undefined;
      for (const line of this.#lines.values()) {
        if (!line.stopped && (!first || line.head!.turn < first.head!.turn)) first = line;
      }
      const stop = first ? this.#stopOf(first) : FREE;
      if (!first || stop === FREE) return first;
      this.#stop(first, stop);
    }
  }

  /** The head of `line` has been refused, for so many milliseconds. */
  protected halt(line: Line<W>, wait: number): void {
    this.#stop(line, wait === Number.POSITIVE_INFINITY ? AWAITS_RELEASE : AWAITS_TIME);
  }

  #lineFor({ units, covered }: Request): Line<W> {
    const limits: number[] = [];
    for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
    const nested = covered !== undefined;
    const name = `${nested ? "nested " : ""}${limits}`;
    let line = this.#lines.get(name);
    if (!line) {
      line = { name, limits, nested, head: undefined, tail: undefined, stopped: false };
      this.#lines.set(name, line);
    }
    return line;
  }

  #stopOf(line: Line<W>): number {
    let stop = FREE;
    for (const index of line.limits) stop = Math.max(stop, this.#stops[index]!);
    return line.nested && stop === AWAITS_RELEASE ? FREE : stop;
  }

  #stop(line: Line<W>, stop: number): void {
    line.stopped = true;
    for (const index of line.limits) this.#stops[index] = Math.max(this.#stops[index]!, stop);
  }
}
