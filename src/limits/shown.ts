/** How sets and acquisitions print: short, by what programs know of them, and not by their parts. */
import type { Naming } from "./partition-names.ts";

/** Node, Deno and Bun look for this symbol where they print an object. */
export const SHOWN: unique symbol = Symbol.for("nodejs.util.inspect.custom") as never;

/** The arguments with which they call its method. Each may be missing where a program calls it. */
export type ShownWith = [
  depth?: number,
  options?: object,
  inspect?: (value: unknown, options: object) => string,
];

interface ShownAcquisition {
  readonly successful: boolean;
  readonly requested: object;
  readonly waitedMs: number;
  readonly retryAfterMs: number;
  readonly limitedBy: readonly string[];
  readonly ahead: number;
}

export function shownAcquisition(acquisition: ShownAcquisition, args: ShownWith): unknown {
  const facts = () => {
    const { successful, requested, waitedMs, retryAfterMs, limitedBy, ahead } = acquisition;
    return successful ? { successful, requested, waitedMs } : { successful, retryAfterMs, limitedBy, ahead };
  };
  return shown("Acquisition", known(facts), args);
}

interface ShownSet {
  readonly keys: readonly string[];
  readonly waiting?: number;
  readonly naming?: Naming | undefined;
}

/** A set, or a view of one. */
export function shownSet(set: object, args: ShownWith): unknown {
  const facts = {
    ...known(() => ({ keys: (set as ShownSet).keys })),
    ...known(() => namesOf(set as ShownSet)),
    ...known(() => waitersOf(set as ShownSet)),
  };
  // Bun gives some classes of the package no name.
  return shown(set.constructor.name || "LimitSet", facts, args);
}

function namesOf({ naming }: ShownSet): object {
  if (!naming || naming.names.size === 0) return {};
  const { names, tier } = naming;
  return { names: Object.fromEntries(names), ...(tier !== undefined && { tier }) };
}

/** Some sets elsewhere do not know how many requests wait. */
function waitersOf({ waiting }: ShownSet): object {
  return waiting === undefined ? {} : { waiting };
}

/** To print never fails: nothing is shown of a set elsewhere that is not known yet, and of a prototype. */
function known(facts: () => object): object {
  try {
    return facts();
  } catch {
    return {};
  }
}

/** The name, and what is known; as text where the runtime tells how to print it. */
function shown(name: string, facts: object, [, options, inspect]: ShownWith): unknown {
  return inspect ? `${name} ${inspect(facts, { ...options, depth: 1 })}` : facts;
}
