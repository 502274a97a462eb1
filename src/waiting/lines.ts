/**
 * The order of waiting, the same for every queue.
 *
 * First come, first served among requests that share a limit: a waiter is passed only by requests that share no limit
 * with it, nor with any waiter that it would have to wait behind. So that a hundred thousand waiters cost as much each
 * as ten, they are kept in lines: one line for each combination of limits that is being waited for. A line that cannot
 * move is skipped as a whole.
 *
 * A nested request (one whose caller holds something already) does not wait behind a request that waits for a
 * resource: its caller may hold that very resource. Behind requests that only wait for time to pass, it waits like any
 * other.
 */

/** A request as it waits: whole units, one entry a limit. */
export interface Request {
  readonly units: readonly number[];
  /** For a nested request: the limits that the acquisitions around it hold. */
  readonly covered?: readonly boolean[] | undefined;
}

/** Why a line cannot move during a walk. The higher number wins where several reasons apply. */
export type Stop = typeof FREE | typeof AWAITS_RELEASE | typeof AWAITS_TIME | typeof UNKNOWN;

/** No reason: the line can move. */
export const FREE = 0;
/** Its first waiter, or one before it, waits for a release: nested requests still pass. */
export const AWAITS_RELEASE = 1;
/** Its first waiter, or one before it, waits for time to pass: no request passes. */
export const AWAITS_TIME = 2;
/** It is not known yet, because the answer to a waiter is still to come: no request passes, and the next walk asks anew. */
export const UNKNOWN = 3;

/** The stop of a line whose first waiter was refused for so many milliseconds. */
export function stopFor(waitMs: number): Stop {
  return waitMs === Number.POSITIVE_INFINITY ? AWAITS_RELEASE : AWAITS_TIME;
}

/** A waiter's place among the others. */
export interface Standing<W> {
  readonly request: Request;
  /** Grows with every waiter that comes. */
  readonly turn: number;
  /** The line in which it stands; undefined while it stands in none. */
  line: Line<W> | undefined;
  previous: W | undefined;
  next: W | undefined;
}

/** A waiter's promise, and the reasons that may end its wait. */
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

/** The waiters that want the same combination of limits, in order of turn. */
export interface Line<W> {
  readonly name: string;
  readonly limits: readonly number[];
  readonly isNested: boolean;
  head: W | undefined;
  tail: W | undefined;
  /** Why the line could not move when it was last known; `reopen` clears it. */
  stop: Stop;
  /** How many waiters one walk may pass; behind them the line is UNKNOWN. */
  quota: number;
  /** The waiter that the present walk comes to next; undefined once the line is stopped or at its end. */
  cursor: W | undefined;
  /** How many waiters the present walk has passed. */
  passed: number;
}

export class Lines<W extends Standing<W>> {
  readonly #byName = new Map<string, Line<W>>();
  /** The same lines; walks go through them often, and an array is faster to go through. */
  readonly #lines: Line<W>[] = [];
  /** How many waiters want each limit. */
  readonly #waiting: number[];
  /** For each limit, why the present walk passes it no more. */
  readonly #stops: Stop[];
  #size = 0;

  constructor(limits: number) {
    this.#waiting = new Array(limits).fill(0);
    this.#stops = new Array(limits).fill(FREE);
  }

  /** How many waiters stand in all lines. */
  get size(): number {
    return this.#size;
  }

  /** How many waiters want limit `index`. */
  waitingFor(index: number): number {
    return this.#waiting[index]!;
  }

  /** Whether a waiter wants one of the limits that `units` names. */
  areWanted(units: readonly number[]): boolean {
    return units.some((count, i) => count > 0 && this.#waiting[i]! > 0);
  }

  /** The lines there are now; they may end meanwhile. */
  [Symbol.iterator](): Iterator<Line<W>> {
    return [...this.#lines].values();
  }

  /** Puts a waiter into its line, behind all that came before it. A walk that has begun does not come to it. */
  stand(waiter: W): Line<W> {
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
    return line;
  }

  /** Takes a waiter out of its line, if it stands in one. */
  leave(waiter: W): void {
    const { line, previous, next } = waiter;
    if (!line) return;
    waiter.line = undefined;
    if (previous) previous.next = next;
    else line.head = next;
    if (next) next.previous = previous;
    else line.tail = previous;
    if (line.cursor === waiter) line.cursor = next;
    if (!line.head) this.#remove(line);
    this.#size--;
    for (const index of line.limits) this.#waiting[index]!--;
  }

  /** Begins a walk in which every line may move again. */
  reopen(): void {
    this.#begin(true);
  }

  /** Begins a walk. Lines that are known to be stopped stay so. */
  restart(): void {
    this.#begin(false);
  }

  /**
   * Goes on with the present walk: through the waiters in order of turn across all lines, up to those whose turn is not
   * before `beforeTurn`. `visit` answers FREE if the next waiter of the line may be visited too, whether or not this one
   * has left; else why the line stops. A stopped line also stops the lines behind it that share a limit.
   */
  walk(visit: (waiter: W) => Stop, beforeTurn = Number.POSITIVE_INFINITY): void {
    for (let line = this.#nextLine(beforeTurn); line; line = this.#nextLine(beforeTurn)) {
      const waiter = line.cursor!;
      const stop = this.#stopBefore(line) || visit(waiter);
      if (stop === FREE) {
        line.passed++;
        if (line.cursor === waiter) line.cursor = waiter.next;
      } else {
        this.#stopLine(line, stop);
      }
    }
  }

  /** The stop for a request whose turn is now: behind all waiters that the present walk has come to. */
  stopOf({ units, covered }: Request): Stop {
    return this.#stopAt(limitsOf(units), covered !== undefined);
  }

  #remove(line: Line<W>): void {
    this.#byName.delete(line.name);
    this.#lines.splice(this.#lines.indexOf(line), 1);
  }

  #begin(isFree: boolean): void {
    this.#stops.fill(FREE);
    for (const line of this.#lines) {
      if (isFree) line.stop = FREE;
      line.cursor = line.head;
      line.passed = 0;
    }
  }

  /** The line, of those that may still move, whose next waiter came first. */
  #nextLine(beforeTurn: number): Line<W> | undefined {
    let first: Line<W> | undefined;
    let turn = beforeTurn;
    for (const line of this.#lines) {
      if (line.cursor && line.cursor.turn < turn) {
        first = line;
        turn = line.cursor.turn;
      }
    }
    return first;
  }

  /** The stop for the next waiter of a line, before it is visited. */
  #stopBefore(line: Line<W>): Stop {
    const stop = highest(line.stop, this.#stopAt(line.limits, line.isNested));
    return stop === FREE && line.passed >= line.quota ? UNKNOWN : stop;
  }

  #stopAt(limits: readonly number[], isNested: boolean): Stop {
    let stop: Stop = FREE;
    for (const index of limits) stop = highest(stop, this.#stops[index]!);
    return isNested && stop === AWAITS_RELEASE ? FREE : stop;
  }

  #stopLine(line: Line<W>, stop: Stop): void {
    line.cursor = undefined;
    if (line.stop === FREE && stop !== UNKNOWN) line.stop = stop;
    for (const index of line.limits) this.#stops[index] = highest(this.#stops[index]!, stop);
  }

  #lineFor({ units, covered }: Request): Line<W> {
    const limits = limitsOf(units);
    const isNested = covered !== undefined;
    const name = `${isNested ? "nested " : ""}${limits}`;
    let line = this.#byName.get(name);
    if (!line) {
      line = {
        name,
        limits,
        isNested,
        head: undefined,
        tail: undefined,
        stop: FREE,
        quota: Number.POSITIVE_INFINITY,
        cursor: undefined,
        passed: 0,
      };
      this.#byName.set(name, line);
      this.#lines.push(line);
    }
    return line;
  }
}

/** The limits that a request wants, by index. */
export function limitsOf(units: readonly number[]): number[] {
  const limits: number[] = [];
  for (let i = 0; i < units.length; i++) if (units[i]! > 0) limits.push(i);
  return limits;
}

function highest(a: Stop, b: Stop): Stop {
  return a > b ? a : b;
}
