/** The parts of a set in this isolate that its granter needs. */
import type { Region } from "../core/region.ts";
import type { LimitError } from "../errors.ts";
import type { Era } from "../limits/era.ts";
import type { Clock } from "../platform/clock.ts";
import type { QueueOptions } from "../waiting/gate.ts";
import type { Granter } from "./acquisition.ts";

export interface LocalSet<M extends string, K extends string = M> {
  readonly era: Era<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly clock: Clock;
  readonly region: Region;
  readonly queueOptions: QueueOptions;
  readonly onWarning: (warning: LimitError) => void;
  /** Acquires with `covered` limits of the present era. */
  readonly acquireNested: Granter<M, K>["acquireNested"];
  /** Called when the core says that another thread has reclaimed this one. */
  readonly reclaimed: () => void;
  /** Called when the core says that another thread has redefined the set. Afterwards this granter is one of an earlier era. */
  readonly moved: () => void;
}
