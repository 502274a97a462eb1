/** The amounts that a request names, by the keys of limits. */
import { isEverywhere } from "./known-options.ts";

// Without this key, a set that has no keys would take any object, since every object has the type `{}`.
declare const noKey: unique symbol;

/** The amounts of a request or of its usage, by key: whole multiples of each limit's `unit`. 0 leaves a limit out, undefined does not name it. */
export type Amounts<K extends string = string> = { readonly [key in K]?: number | undefined } & {
  /** @internal */
  readonly [noKey]?: never;
};

/** An amount by its key, or undefined where it is not named. A limit may have a name that every object has: `"constructor"`. */
export function amountOf(amounts: object | undefined, key: string): number | undefined {
  if (amounts === undefined || isEverywhere(amounts, key)) return undefined;
  return (amounts as Readonly<Record<string, number | undefined>>)[key];
}
