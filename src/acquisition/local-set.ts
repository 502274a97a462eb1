/** The parts of a set in this isolate that its granters need: a set has no closures for them, since there may be many sets. */
import type { AcquireOptions, Acquisition, Amounts } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import type { Clock } from "../platform/clock.ts";
import type { Before, Queue, Waiters } from "../waiting/gate.ts";

/** The parts that waiting and changes need. */
export interface GatedSet {
  readonly clock: Clock;
  /** Undefined until a request has to wait. */
  readonly queue: Queue<unknown> | undefined;
  /** The waiters of the queue, or none. */
  readonly lines: Waiters & Before;
  /** Passes a warning to the option `onWarning`. */
  warn(warning: LimitError): void;
  /** Called when the core says that another thread has reclaimed this one. */
  reclaimed(): void;
  /** Called when the core says that another thread has redefined the set. Afterwards this granter is one of an earlier era. */
  moved(): void;
}

export interface LocalSet<M extends string, K extends string = M> extends GatedSet {
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  /** Acquires with `covered` limits of the present era. */
  enter(
    requested: Amounts<M> | undefined,
    options: AcquireOptions | undefined,
    covered: readonly boolean[],
  ): Promise<Acquisition<M, K>>;
}
