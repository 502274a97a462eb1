/** Types of a worker's methods, and of values that can cross threads. */
import type { WorkerMode } from "./mode.ts";

type AnyFunction = (...args: never[]) => unknown;

/** The names of the methods that a worker of the class `W` offers: all public ones but `limits`. */
export type Methods<W extends object> = {
  [N in keyof W]: N extends string
    ? N extends "limits"
      ? never
      : W[N] extends AnyFunction
        ? N
        : never
    : never;
}[keyof W] &
  string;

/** The result of the method `N` of `W`, without the promise. */
export type ResultOf<W extends object, N extends Methods<W>> = W[N] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/**
 * In place of a method with a parameter or result that cannot be sent to a thread or process. Use mode `"sync"` or `"async"`, or
 * send data.
 */
export interface CannotCross<What extends string> {
  /** Which part cannot cross: `"a parameter"`, `"the result"` or `"a parameter of the constructor"`. */
  readonly cannotCrossThreads: What;
}

/** A method `F` as a worker in mode `M` offers it: with the same parameters, and a promise of the same result. */
export type Offered<F, M extends WorkerMode> = F extends (...args: infer A) => infer R
  ? M extends "thread" | "process"
    ? A extends Sendable<A>
      ? Awaited<R> extends Sendable<Awaited<R>>
        ? Promised<F>
        : CannotCross<"the result">
      : CannotCross<"a parameter">
    : Promised<F>
  : never;

// A method that returns a promise keeps its type, with overloads and type parameters. The type of another is written anew, without its
// type parameters, which TypeScript cannot take over.
type Promised<F> = F extends (...args: infer A) => infer R
  ? IsPromise<R> extends true
    ? F
    : (...args: A) => Promise<Awaited<R>>
  : never;

// In a pair of brackets a union stays whole. `never` and `any` are no promises, though they could stand for one.
type IsPromise<R> = unknown extends R
  ? false
  : [R] extends [never]
    ? false
    : [R] extends [Promise<unknown>]
      ? true
      : false;

// biome-ignore lint/suspicious/noConfusingVoidType: methods without a result return it
type Plain = string | number | bigint | boolean | null | undefined | void;

/** Objects that structured cloning carries, with their type. */
type Cloned =
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  // Carried as an argument, or as a property of one.
  | AbortSignal;

/** Values that structured cloning refuses. */
type NotCloned = AnyFunction | (abstract new (...args: never[]) => unknown) | symbol;

/** Objects that belong to their thread. */
type BoundToThread =
  | PromiseLike<unknown>
  | AsyncIterable<unknown>
  | WeakMap<object, unknown>
  | WeakSet<object>
  | WeakRef<object>;

/** `T` with `never` in place of all that cannot cross threads. A `T` can cross if it is assignable to this. */
export type Sendable<T> = unknown extends T
  ? T
  : T extends Plain | Cloned
    ? T
    : T extends NotCloned | BoundToThread
      ? never
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Sendable<K>, Sendable<V>>
        : T extends ReadonlySet<infer V>
          ? ReadonlySet<Sendable<V>>
          : { [N in keyof T]: Sendable<T[N]> };
