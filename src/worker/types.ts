/** What the compiler knows of a worker's methods, and of what can cross threads. */
import type { WorkerMode } from "./mode.ts";

type AnyFunction = (...args: never[]) => unknown;

/** The names of the methods of `W` that a worker offers. */
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

/** What a method results in. */
export type ResultOf<W extends object, N extends Methods<W>> = W[N] extends (...args: never[]) => infer R
  ? Awaited<R>
  : never;

/** Something that cannot be sent to a thread or process, and where it is. Use mode "sync" or "async", or send data. */
export interface CannotCross<What extends string> {
  /** What it is: a parameter, or the result. */
  readonly cannotCrossThreads: What;
}

/** A method as a worker offers it: with the same parameters, and a promise of the same result. */
export type Offered<F, M extends WorkerMode> = F extends (...args: infer A) => infer R
  ? M extends "thread" | "process"
    ? A extends Sendable<A>
      ? Awaited<R> extends Sendable<Awaited<R>>
        ? Promised<F>
        : CannotCross<"the result">
      : CannotCross<"a parameter">
    : Promised<F>
  : never;

// A method that returns a promise already stays as it is, overloads and type parameters included.
type Promised<F> = F extends (...args: never[]) => Promise<unknown>
  ? F
  : F extends (...args: infer A) => infer R
    ? (...args: A) => Promise<Awaited<R>>
    : never;

// biome-ignore lint/suspicious/noConfusingVoidType: what methods without a result return
type Plain = string | number | bigint | boolean | null | undefined | void;

/** Objects that structured cloning carries as what they are. */
type Cloned =
  | Date
  | RegExp
  | Error
  | ArrayBuffer
  | SharedArrayBuffer
  | ArrayBufferView
  | Blob
  // As an argument, or a property of one.
  | AbortSignal;

type Stays = AnyFunction | (abstract new (...args: never[]) => unknown) | symbol;

type Kept =
  | PromiseLike<unknown>
  | AsyncIterable<unknown>
  | WeakMap<WeakKey, unknown>
  | WeakSet<WeakKey>
  | WeakRef<WeakKey>;

/** `T` with `never` in place of what cannot cross: `T` crosses if it is assignable to this. */
export type Sendable<T> = unknown extends T
  ? T
  : T extends Plain | Cloned
    ? T
    : T extends Stays | Kept
      ? never
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Sendable<K>, Sendable<V>>
        : T extends ReadonlySet<infer V>
          ? ReadonlySet<Sendable<V>>
          : { [N in keyof T]: Sendable<T[N]> };
