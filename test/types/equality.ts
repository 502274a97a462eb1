/** Comparisons of types. A file that uses them passes if it compiles. */

/** Whether `A` and `B` are the same type. It tells `any` from other types, and optional properties from others. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless `T` is `true`. */
export type Expect<T extends true> = T;

/** The keys of `T`, optional ones included. */
export type KeysOf<T> = keyof Required<T>;
