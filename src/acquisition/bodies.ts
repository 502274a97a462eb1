/**
 * The bodies of `run` around the running code, as far as they hold resources. The platform tracks them across awaits where it has
 * `AsyncLocalStorage`; elsewhere none is known. Tracking makes a program's promises slower, so it begins with the first body that
 * holds a resource.
 */
import { DeadlockError, listAmounts } from "../errors.ts";
import type { Requests } from "../limits/requests.ts";
import { type AsyncStorage, asyncStorage } from "../platform/async-storage.ts";
import type { Place, Request } from "../waiting/standing.ts";

/** What a body holds: the requests of its set, units, and the partitions from which they were taken. */
export type Held = readonly [requests: unknown, units: readonly number[], place?: Place | undefined];

/** Tells what a body holds. Undefined after its release. */
type Holder = () => Held | undefined;

let storage: AsyncStorage<readonly Holder[]> | undefined;

/** Calls `body`, which holds what `holder` tells: requests that it makes can then be told from others. */
export function runBody<T>(holder: Holder, body: () => T): T {
  storage ??= asyncStorage();
  // A body that has released is left out: the next body may start in the last one for ever.
  return storage ? storage.run([...around().filter((each) => each()), holder], body) : body();
}

/**
 * The warning of a request that cannot pass before a body around it has ended; undefined for any other. `set` are the requests of its
 * set, and `requests` those of its partitions.
 */
export function deadlockOf(
  set: Requests<string>,
  requests: Requests<string>,
  { units, place }: Request,
): DeadlockError | undefined {
  let sum = units;
  for (const holder of around()) {
    const [of, held, there] = holder() ?? [];
    const isSame = (i: number) => there?.wardOf(i) === place?.wardOf(i);
    if (of === set) sum = sum.map((count, i) => (isSame(i) ? count + held![i]! : count));
  }
  if (sum === units || !requests.exceed(sum, units)) return undefined;
  const [requested, held] = [units, sum.map((count, i) => count - units[i]!)].map((each) =>
    listAmounts(requests.amounts(each)),
  );
  const advice = "request all at once, or by acquire() of the acquisition of run()";
  return new DeadlockError(
    `a request of ${requested} waits for the run() around it, which has ${held}; ${advice}`,
  );
}

function around(): readonly Holder[] {
  return storage?.getStore() ?? [];
}
