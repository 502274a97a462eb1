import type { Acquisition, LimitError, LimitLike, Limits, PartitionOptions } from "../../src/index.ts";

/** The time at which the clock of each set starts: a midnight, so that windows of a second, a minute, an hour and a day begin here. */
export const START = Date.UTC(2027, 0, 1);

/** The clock of one set, moved by the test. A move resolves when all that it leads to has arrived, however far away the set is. */
export interface TestClock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Moves on by `ms`; timers that fall due on the way run in order, each at its own time. */
  advance(ms: number): Promise<void>;
  /** Moves to `ms` since the Unix epoch, which may be in the past. */
  set(ms: number): Promise<void>;
  /** Timers armed at this moment. Meaningful with the capability `timers`. */
  readonly pendingTimers: number;
  /** Timers armed since the set was created. Meaningful with the capability `timers`. */
  readonly timersSet: number;
}

/** A set under test. */
export interface Subject<K extends string> {
  readonly limits: Limits<K>;
  readonly clock: TestClock;
  /** Waits until all calls and answers under way have arrived. Time stands still. */
  settle(): Promise<void>;
  /** Closes the set and all that stands behind it. A second call does nothing. */
  close(): Promise<void>;
  /** Undefined if no thread can block for this set. */
  acquireSync?(requested?: Partial<Record<K, number>>, options?: { timeoutMs?: number }): Acquisition<K>;
}

export interface SetOptions<K extends string> {
  readonly limits?: readonly LimitLike<K>[];
  readonly missingUpdate?: "throw" | "charge";
  readonly config?: Record<string, unknown>;
  /** Needs the capability `warnings`. */
  readonly onWarning?: (warning: LimitError) => void;
  readonly maxWaiting?: number;
  readonly agingMs?: number;
  /** Needs the capability `partitions`. */
  readonly partitions?: Readonly<Record<string, PartitionOptions>>;
  /** Needs the capability `partitions`. */
  readonly fairBy?: string;
}

/** Properties that some cases need beyond the contract. */
export interface Capabilities {
  /** `tryAcquire`, `stats`, `update` and `release` have taken effect when they return, and return no promise. */
  readonly sync: boolean;
  /** The clock of the test has all timers of the set. */
  readonly timers: boolean;
  /** The set has `acquireSync`. */
  readonly blocking: boolean;
  /** The set has `onWarning`, and knows the bodies of its `run`. */
  readonly warnings: boolean;
  /** The set has the methods that change its limits, and counts totals. */
  readonly changes: boolean;
  /** The set has `redefine`. */
  readonly redefines: boolean;
  /** The limits of the set may have partitions. */
  readonly partitions: boolean;
  /** The set has `redefine` for these too. */
  readonly partitionsRedefined: boolean;
  /** Calls cost microseconds, so that sweeps can try every value. Other backends try a sample. */
  readonly exhaustive: boolean;
  /** The number of waiters in a crowd. */
  readonly crowd: number;
}

export type Need =
  | "sync"
  | "timers"
  | "blocking"
  | "warnings"
  | "changes"
  | "redefines"
  | "partitions"
  | "partitionsRedefined";

/** A backend, as the suite sees it. */
export interface Harness {
  readonly capabilities: Capabilities;
  /** The titles of cases that this backend cannot pass, each with the reason. */
  readonly skips?: Readonly<Record<string, string>>;
  /** Whole themes that this backend cannot do, each with the reason. */
  readonly skippedThemes?: Readonly<Record<string, string>>;
  /** Makes a set whose clock reads `START`. Rejects with the error that the backend's constructor throws. */
  create<K extends string>(options: SetOptions<K>): Promise<Subject<K>>;
}

/** Creates a set that is closed when the case ends. */
export type Create = <K extends string = never>(
  limits?: readonly LimitLike<K>[],
  options?: Omit<SetOptions<K>, "limits">,
) => Promise<Subject<K>>;

export type Body = (create: Create) => Promise<void>;

/** Registers the cases of a theme. */
export interface Registrar {
  readonly capabilities: Capabilities;
  it(title: string, body: Body): void;
  it(title: string, needs: readonly Need[], body: Body): void;
}

export type Theme = (registrar: Registrar) => void;
