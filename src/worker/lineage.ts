/**
 * The classes for which this thread or process was started, and those of the threads and processes that have started it. No pool of
 * these is made outside of calls: each thread would start more, without end.
 */
import { currentScope } from "./current-scope.ts";
import { InvalidWorkerError } from "./errors.ts";

/** A class, as the threads and processes of its pool find it. */
export interface Origin {
  readonly module: string;
  readonly name: string;
}

interface Lineage {
  readonly origins: readonly Origin[];
  /** Whether the module of the class is being loaded. */
  isLoading: boolean;
  isInCall(): boolean;
}

// A registered symbol, since the module of the class may use another copy of this file.
const key = Symbol.for("limitset.worker.lineage");
const slot = globalThis as { [key]?: Lineage };

/** Loads the module of a class, in a thread or process that was started for the last of `origins`. */
export async function loadFor<T>(origins: readonly Origin[], load: () => Promise<T>): Promise<T> {
  const lineage = { origins, isLoading: true, isInCall: () => currentScope() !== undefined };
  slot[key] = lineage;
  try {
    return await load();
  } finally {
    lineage.isLoading = false;
  }
}

/**
 * The origins of the threads and processes of a new pool of `origin`.
 *
 * @throws {InvalidWorkerError} if they would start more of themselves.
 */
export function originsOf(origin: Origin): readonly Origin[] {
  const { module, name } = origin;
  const { origins, isLoading, isInCall } = slot[key] ?? NONE;
  const known = origins.find((each) => each.module === module && each.name === name);
  const again = isLoading ? origins.find((each) => each.module === module) : known;
  // A call may make a pool of its own class, as it may call itself.
  if (again && !isInCall()) {
    throw new InvalidWorkerError(
      `a thread or process of ${again.name} makes a pool of ${name} outside of calls, so that each would start more, without end: make the pool in another module than that of the class, which they all load`,
    );
  }
  return known ? origins : [...origins, origin];
}

const NONE: Lineage = { origins: [], isLoading: false, isInCall: () => false };
