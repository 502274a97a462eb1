/** `Worker`, the base class of workers, and how a subclass becomes a running worker. */
import type { Limits } from "../contract.ts";
import { show } from "../errors.ts";
import { LimitSet } from "../limit-set.ts";
import { asyncDispose } from "../platform/dispose.ts";
import { classesIn } from "../remote/error-classes.ts";
import { InvalidWorkerError, workerErrorClasses } from "./errors.ts";
import { takeInjected } from "./injected.ts";
import type { Constructor } from "./instance.ts";
import { originsOf } from "./lineage.ts";
import type { WorkerMode } from "./mode.ts";
import { toSettings, type WorkerOptions } from "./options.ts";
import type { ErrorClass } from "./policy.ts";
import { Pool, type StopOptions } from "./pool.ts";
import { isText } from "./program.ts";
import type { CannotCross, Methods, Offered, Sendable } from "./types.ts";

/** A subclass of `Worker`. */
export type WorkerClass = (new (
  ...args: never[]
) => Worker<never, never>) &
  Pick<typeof Worker, "module" | "errors">;

/** A running worker: the methods of the class `W`, each with its parameters and a promise of its result, and `stop`. */
export type Running<W extends object, M extends WorkerMode = WorkerMode> = {
  readonly [N in Methods<W>]: Offered<W[N], M>;
} & {
  /**
   * Refuses new calls, waits for those under way, lets each object clean up by its own `[Symbol.asyncDispose]` or
   * `[Symbol.dispose]`, and ends threads and processes. Closes the limits if they were given as a list. Calling it again returns
   * the same promise.
   *
   * Calls still under way after `timeoutMs` reject with `WorkerStoppedError`. In this thread nothing can end such a call: it goes
   * on, and keeps its acquisitions until it ends.
   *
   * @throws {InvalidWorkerError} for a `timeoutMs` that is no number of milliseconds from 0; the worker goes on.
   * @throws the error of an object that fails to clean up.
   */
  stop(options?: StopOptions): Promise<void>;
  /** Calls `stop()` at the end of a scope: `await using pool = Summarizer.options({}).init()`. */
  [Symbol.asyncDispose](): Promise<void>;
};

/** The result of `Worker.options`: a class with its options, ready to run. */
export interface Initializer<C extends WorkerClass, M extends WorkerMode> {
  /**
   * Makes the objects with the arguments of the constructor, in the mode of the options.
   *
   * @throws {InvalidWorkerError} if the runtime does not have the threads or processes of the mode; in a thread or process of the
   * same class, outside of calls, since each would start more without end.
   * @throws the error of the constructor, in modes `"sync"` and `"async"`. In the others the calls reject with it.
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
 * The base class of workers. Its subclass's methods find their limits as `this.limits`, in every mode. `Worker<"tokens">` is for methods
 * that ask for tokens: the option `limits` then has to be a set that has them, and may have more. Acquisitions of a call are
 * released when the call ends, whether it succeeds or fails. A worker offers the methods of the subclass and of the classes between
 * it and `Worker`, but not functions in fields.
 *
 * Where the platform does not track calls across awaits, as in browsers, `this` in a method is a view of the object. `#private`
 * members cannot be read through a view: use `private` there.
 *
 * @example
 * // summarizer.js: threads and processes load it, so it exports the class, and makes no pool
 * export class Summarizer extends Worker {
 *   static override module = import.meta.url;
 *   async summarize(text: string) {
 *     using acquisition = await this.limits.acquire({ tokens: 500 });
 *     const answer = await callModel(text);
 *     acquisition.update({ tokens: answer.tokens });
 *     return answer.text;
 *   }
 * }
 * // the program, which imports Summarizer
 * const pool = Summarizer.options({ mode: "thread", maxWorkers: 4, limits, numRetries: 3 }).init();
 * await pool.summarize("Call me Ishmael."); // the answer's text
 * await pool.stop();
 */
export abstract class Worker<M extends string = string, K extends string = M> {
  /**
   * The URL of the module that exports the class: set it to `import.meta.url`. Modes `"thread"` and `"process"` need it: each
   * thread and process loads that module, which therefore makes no pool of the class itself. Default: undefined.
   */
  static module: string | URL | undefined = undefined;
  /**
   * Classes of errors that methods throw. An error from a thread or process becomes one of its own class again if the class is named
   * here or by `retryOn`, is exported by the worker's module, or is one of the platform's or limitset's. Default: none.
   */
  static errors: readonly ErrorClass[] = [];

  /** The limits of the options. The empty set without that option, and in an object made with `new`. */
  readonly limits: Limits<M, K>;

  constructor() {
    this.limits = (takeInjected() ?? new LimitSet()) as unknown as Limits<M, K>;
  }

  /**
   * Says how to run the class: in which mode, with how many objects, with which limits and retries. `init()` then makes the objects.
   *
   * @throws {InvalidWorkerError} naming an invalid option; or if the mode needs a `module` and the class has none, or one that came
   * as text, by `-e` or from stdin.
   * @throws {InvalidLimitError} if `limits` is a list with an invalid definition.
   * @example
   * class Adder extends Worker {
   *   add(a: number, b: number) {
   *     return a + b;
   *   }
   * }
   * const adder = Adder.options({}).init();
   * await adder.add(1, 2); // 3
   */
  static options<C extends WorkerClass, const M extends WorkerMode = "sync">(
    this: C,
    options: WorkerOptions<InstanceType<C>, M>,
  ): Initializer<C, M> {
    // biome-ignore lint/complexity/noThisInStatic: the subclass is what counts
    const Class = this as unknown as Constructor & WorkerClass;
    const names = methodsOf(Class);
    const settings = toSettings(options as WorkerOptions, names);
    const elsewhere = settings.mode === "thread" || settings.mode === "process";
    const { module } = Class;
    const isServed = settings.entry !== undefined;
    if (elsewhere && !isServed && !(module && Class.name)) {
      throw new InvalidWorkerError(
        `mode "${settings.mode}" needs to find the class ${Class.name} in its module: set \`static module = import.meta.url\` and export the class by its name; or, in a bundle, name a program of its own by the option entry`,
      );
    }
    const origin = { module: String(module), name: Class.name };
    if (elsewhere && !isServed && isText(origin.module)) {
      throw new InvalidWorkerError(
        `mode "${settings.mode}" cannot load the class ${Class.name} from ${show(origin.module)}, a program that came as text: put the class into a file of its own`,
      );
    }
    return {
      init: (...args: readonly unknown[]) => {
        const origins = elsewhere ? originsOf(origin) : [];
        const exported: ErrorClass[] = [];
        if (elsewhere && !isServed) learnErrors(origin.module, exported);
        const errorClasses = () =>
          classesIn([...workerErrorClasses, ...exported, ...Class.errors, ...settings.errorClasses]);
        const pool = new Pool({ Class, args, origins, errorClasses }, settings);
        return offer(pool, names) as Running<InstanceType<C>, M>;
      },
    };
  }
}

/** Names that a worker uses itself; `then` would make it a promise. */
const RESERVED = ["stop", "then"];

/**
 * The names of the methods that a worker offers.
 *
 * @throws {InvalidWorkerError} if one of them is reserved.
 */
function methodsOf(Class: Constructor): string[] {
  const names = new Set<string>();
  for (let at = Class.prototype as object; at instanceof Worker; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === "function" && name !== "constructor") names.add(name);
    }
  }
  for (const name of RESERVED) {
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

/**
 * Adds the error classes of the worker's module. In most cases the module is loaded already, so calls do not wait for this. Without
 * it, errors of its own classes arrive as plain errors.
 */
function learnErrors(module: string, into: ErrorClass[]): void {
  import(/* webpackIgnore: true */ /* @vite-ignore */ module).then(
    (exported: object) => into.push(...(Object.values(exported) as ErrorClass[])),
    () => {},
  );
}
