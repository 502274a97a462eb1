/** What a request names: amounts, by the keys of limits. */

// Without it a set that has no keys would take any object: `{}` is what every object is.
declare const noKey: unique symbol;

/** How much of which limit: keys of the set, amounts that are multiples of the limit's unit, 0 to leave one out. */
export type Amounts<K extends string = string> = { readonly [key in K]?: number } & {
  /** @internal */
  readonly [noKey]?: never;
};
