/** Compile-time comparisons: a file that uses them passes when `tsc --noEmit` does. */

/** Whether `A` and `B` are one type, `any` and optional properties told apart. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Fails to compile unless `T` is `true`. */
export type Expect<T extends true> = T;

/** The keys that `T` has, optional ones too. */
export type KeysOf<T> = keyof Required<T>;
