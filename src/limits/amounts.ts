/** The amounts that a request names, by the keys of limits. */

// Without this key, a set that has no keys would take any object, since every object has the type `{}`.
declare const noKey: unique symbol;

/** The amounts of a request or of its usage, by key: whole multiples of each limit's `unit`. 0 leaves a limit out, undefined does not name it. */
export type Amounts<K extends string = string> = { readonly [key in K]?: number | undefined } & {
  /** @internal */
  readonly [noKey]?: never;
};
