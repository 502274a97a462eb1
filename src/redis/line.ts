/** The requests of this process that want the same combination of limits, in order. */
import type { Due } from "../waiting/deadlines.ts";

/** Who may not pass a limit: nobody stands there; somebody waits for a release; somebody waits for time to pass. */
export const FREE = 0;
export const AWAITS_RELEASE = 1;
export const AWAITS_TIME = 2;
/** It is not known yet: somebody has not been asked for. */
export const UNKNOWN = 3;

/** One who asks. */
export interface Asker<T> extends Due {
  readonly units: readonly number[];
  readonly covered: readonly boolean[] | undefined;
  readonly turn: number;
  /** Asks once, and is told instead of waiting. */
  readonly isOnce: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** When it asked, by the platform's clock. */
  readonly askedAt: number;
  /** When it asked, by the set's. */
  readonly since: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  readonly line: Line<T>;
  previous: Asker<T> | undefined;
  next: Asker<T> | undefined;
  /** Part of a batch that is on its way. */
  isSent: boolean;
  /** It has had an answer, and waits for a better one. */
  hasWaited: boolean;
  /** Its time is up: what is answered next counts. */
  isLate: boolean;
  /** Its signal has aborted while it was on its way. */
  isAborted: boolean;
  hasLeft: boolean;
  /** The limits that refused it last, by their index in the set. */
  refusedBy: readonly number[];
}

export class Line<T> {
  readonly name: string;
  readonly limits: readonly number[];
  readonly isNested: boolean;
  head: Asker<T> | undefined;
  tail: Asker<T> | undefined;
  /** How the head was refused, or what it stands behind; FREE while it is worth asking. */
  stop = FREE;
  /** How many are asked for at once: all who come; but one, then two, then four of those who have waited. */
  quota: number;

  constructor(name: string, limits: readonly number[], isNested: boolean, quota: number) {
    this.name = name;
    this.limits = limits;
    this.isNested = isNested;
    this.quota = quota;
  }

  append(asker: Asker<T>): void {
    asker.previous = this.tail;
    if (this.tail) this.tail.next = asker;
    else this.head = asker;
    this.tail = asker;
  }

  remove(asker: Asker<T>): void {
    const { previous, next } = asker;
    if (previous) previous.next = next;
    else this.head = next;
    if (next) next.previous = previous;
    else this.tail = previous;
  }
}
