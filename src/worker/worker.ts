/** Objects whose methods run here, on threads or in processes, with limits injected and retries that let go. */
import type { Limits } from "../contract.ts";
import { LimitSet } from "../limit-set.ts";
import { asyncDispose } from "../platform/dispose.ts";
import { classesIn } from "../remote/error-classes.ts";
import { InvalidWorkerError, workerErrorClasses } from "./errors.ts";
import { takeInjected } from "./injected.ts";
import type { Constructor } from "./instance.ts";
import type { WorkerMode } from "./mode.ts";
import { toTerms, type WorkerOptions } from "./options.ts";
import type { ErrorClass } from "./policy.ts";
import { Pool, type StopOptions } from "./pool.ts";
import type { CannotCross, Methods, Offered, Sendable } from "./types.ts";

/** A subclass of `Worker`. */
export type WorkerClass = (new (...args: never[]) => Worker) & Pick<typeof Worker, "module" | "errors">;

/** The methods of `W`, each with its parameters and a promise of its result; and the end. */
export type Running<W extends object, M extends WorkerMode = WorkerMode> = {
  readonly [N in Methods<W>]: Offered<W[N], M>;
} & {
  /**
   * Takes no more calls, waits for those under way, ends threads and processes, and the limits if they were a list. What is
   * still under way when the time is over rejects with `WorkerStoppedError`; in this thread, where nothing can end it, it keeps
   * what it holds until it is done. Rejects with what cleaning up, by the class's own `[Symbol.asyncDispose]`, throws.
   */
  stop(options?: StopOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/** What `options` returns: makes the objects. */
export interface Initializer<C extends WorkerClass, M extends WorkerMode> {
  /**
   * Makes the objects with the arguments of the constructor, in the mode that was asked for.
   *
   * @throws {InvalidWorkerError} if the mode is not there in this runtime, or wants a `module` that the class has not.
   * @throws what the constructor throws, in this thread; elsewhere the calls reject with that.
   */
  init(
    ...args: M extends "thread" | "process"
      ? ConstructorParameters<C> extends Sendable<ConstructorParameters<C>>
        ? ConstructorParameters<C>
        : [CannotCross<"a parameter of the constructor">]
      : ConstructorParameters<C>
  ): Running<InstanceType<C>, M>;
}

/**
 * The base class of workers. Methods find their limits as `this.limits`, in every mode; what a call takes ends with the call,
 * however it ends. Methods are those of the class and of classes between; functions in fields are not.
 *
 * Where the platform does not track calls across awaits (browsers), `this` in a method is a view of the object, which
 * `#private` members do not let in: use `private`.
 *
 * @example
 * class Summarizer extends Worker {
 *   static override module = import.meta.url; // where "thread" and "process" find the class; it has to be exported
 *   async summarize(text: string) {
 *     using acquisition = await this.limits.acquire({ tokens: 500 });
 *     const answer = await callModel(text);
 *     acquisition.update({ tokens: answer.tokens });
 *     return answer.text;
 *   }
 * }
 * const pool = Summarizer.options({ mode: "thread", maxWorkers: 4, limits, numRetries: 3 }).init();
 * await pool.summarize("Call me Ishmael."); // the answer's text
 * await pool.stop();
 */
export abstract class Worker {
  /** The module that exports the class: `import.meta.url`. Needed for threads and processes. */
  static module: string | URL | undefined = undefined;
  /**
   * Classes of errors that methods throw: those that come from threads and processes are then of these. Classes that `retryOn`
   * names, that the class's module exports, or that every runtime has need not be named.
   */
  static errors: readonly ErrorClass[] = [];

  /** What the worker was given; the empty set if nothing, or if made with `new`. */
  readonly limits: Limits;

  constructor() {
    this.limits = takeInjected() ?? new LimitSet();
  }

  /**
   * How to run the class: where, on how many threads, with which limits, with which retries.
   *
   * @throws {InvalidWorkerError} naming the option that makes no sense.
   * @throws {InvalidLimitError} if `limits` is a list with a definition that makes no sense.
   */
  static options<C extends WorkerClass, const M extends WorkerMode = "sync">(
    this: C,
    options: WorkerOptions<InstanceType<C>, M>,
  ): Initializer<C, M> {
    // biome-ignore lint/complexity/noThisInStatic: the subclass is what counts
    const Class = this as unknown as Constructor & WorkerClass;
    const names = methodsOf(Class);
    const terms = toTerms(options as WorkerOptions, names);
    const elsewhere = terms.mode === "thread" || terms.mode === "process";
    const { module } = Class;
    if (elsewhere && !(module && Class.name)) {
      throw new InvalidWorkerError(
        `mode "${terms.mode}" needs to find the class ${Class.name} in its module: set \`static module = import.meta.url\` and export the class by its name`,
      );
    }
    return {
      init: (...args: readonly unknown[]) => {
        const exported: ErrorClass[] = [];
        if (elsewhere) learnErrors(String(module), exported);
        const errorClasses = () =>
          classesIn([...workerErrorClasses, ...exported, ...Class.errors, ...terms.errorClasses]);
        const pool = new Pool({ Class, args, module: String(module), errorClasses }, terms);
        return offer(pool, names) as Running<InstanceType<C>, M>;
      },
    };
  }
}

const OWN = ["stop", "then"];

/** @throws {InvalidWorkerError} if one has a name that a worker needs itself. */
function methodsOf(Class: Constructor): string[] {
  const names = new Set<string>();
  for (let at = Class.prototype as object; at instanceof Worker; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  for (const name of OWN) {
    if (names.has(name)) throw new InvalidWorkerError(`a method cannot be called ${name}: workers have one`);
  }
  return [...names];
}

function offer(pool: Pool, names: readonly string[]): object {
  const methods = names.map((name) => [name, (...args: unknown[]) => pool.call(name, args)]);
  return Object.freeze({
    ...Object.fromEntries(methods),
    stop: (options?: StopOptions) => pool.stop(options),
    [asyncDispose]: () => pool.stop(),
  });
}

/** The module is here already, in most cases: nobody waits for it, and if it cannot be had its errors are plain. */
function learnErrors(module: string, into: ErrorClass[]): void {
  import(/* webpackIgnore: true */ /* @vite-ignore */ module).then(
    (exported: object) => into.push(...(Object.values(exported) as ErrorClass[])),
    () => {},
  );
}
