import type { Acquisition, LimitLike, Limits } from "../../src/index.ts";

/** Where every set's clock starts: a midnight, so that windows of a second, a minute, an hour and a day begin here. */
export const START = Date.UTC(2027, 0, 1);

/** The clock of one set, moved by the test. Moving it also lets the consequences arrive, however far away the set is. */
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
  /** Lets everything that is under way arrive, without moving time. */
  settle(): Promise<void>;
  /** Closes the set and whatever stands behind it; again is harmless. */
  close(): Promise<void>;
  /** Only where a thread can block for this set. */
  acquireSync?(requested?: Partial<Record<K, number>>, options?: { timeoutMs?: number }): Acquisition<K>;
}

export interface SetOptions<K extends string> {
  readonly limits?: readonly LimitLike<K>[];
  readonly missingUpdate?: "throw" | "charge";
  readonly config?: Record<string, unknown>;
}

/** What the cases may rely on beyond the contract. */
export interface Capabilities {
  /** `tryAcquire`, `stats`, `update` and `release` have taken effect when they return, and return no promise. */
  readonly sync: boolean;
  /** The test's clock sees every timer of the set. */
  readonly timers: boolean;
  /** `acquireSync` is there. */
  readonly blocking: boolean;
  /** Calls cost microseconds: sweeps take every value. Elsewhere they take a sample. */
  readonly exhaustive: boolean;
  /** How many waiters make a crowd. */
  readonly crowd: number;
}

export type Need = "sync" | "timers" | "blocking";

/** A backend, as the suite sees it. */
export interface Harness {
  readonly capabilities: Capabilities;
  /** Cases that this backend cannot pass, by title, each with its reason. */
  readonly skips?: Readonly<Record<string, string>>;
  /** A new set whose clock reads `START`. Rejects as the backend's constructor would throw. */
  create<K extends string>(options: SetOptions<K>): Promise<Subject<K>>;
}

/** Creates a set that is closed when the case ends. */
export type Create = <K extends string = never>(
  limits?: readonly LimitLike<K>[],
  options?: Omit<SetOptions<K>, "limits">,
) => Promise<Subject<K>>;

export type Body = (create: Create) => Promise<void>;

/** What a theme registers its cases with. */
export interface Registrar {
  readonly capabilities: Capabilities;
  it(title: string, body: Body): void;
  it(title: string, needs: readonly Need[], body: Body): void;
}

export type Theme = (registrar: Registrar) => void;
