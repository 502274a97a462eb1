/** The class of all errors, and how an error keeps its name and its class through minifiers and copies of the package. */

// A registered symbol, since a program may have several copies of this file: one for `import` and one for `require`, say.
const ours: unique symbol = Symbol.for("limitset.error");

/** An `Error` with the mark of the library. No type shows the mark, so that the types of all copies are alike. */
const MarkedError: ErrorConstructor = class MarkedError extends Error {
  get [ours]() {
    return true;
  }
} as never;

/**
 * The class that all errors of the library extend. Catch it to catch them all.
 *
 * Tell errors apart by `instanceof` or by `code`: both work for the errors of another copy of the package too, as that which
 * `require` loads beside `import`. Messages are for people, and may change.
 *
 * @example
 * const limits = new LimitSet({ limits: [new ResourceLimit({ key: "connections", capacity: 1 })] });
 * limits.tryAcquire().successful; // true
 * await limits.acquire({}, { timeoutMs: 0 }).catch((error: LimitError) => error.code); // "ERR_ACQUIRE_TIMEOUT"
 */
export class LimitError extends MarkedError {
  /** The kind of error: `"ERR_ACQUIRE_TIMEOUT"`, for example. It stays the same from version to version. */
  readonly code: string;

  /** The code of all errors of a class. `LimitError` itself has none: the empty text. */
  static get code(): string {
    return "";
  }

  constructor(code: string, message: string, cause?: unknown) {
    super(message);
    this.name = classNameOf(new.target);
    this.code = code;
    if (cause !== undefined) this.cause = cause;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: each class that extends this one is asked by it.
    return isOf(this, value);
  }
}

/** A class of errors. Those of the library have a `code`, which is that of their errors. */
interface ErrorClass {
  readonly name: string;
  readonly prototype?: unknown;
  readonly code?: unknown;
}

/** Whether a value is an error of a class. Of another copy of the package it is one if it has the code of that class. */
function isOf(Class: ErrorClass, value: unknown): boolean {
  if (Function.prototype[Symbol.hasInstance].call(Class, value)) return true;
  return isOurs(value) && (Class === LimitError || (hasCode(Class) && Class.code === value.code));
}

function isOurs(value: unknown): value is LimitError {
  return (value as { [ours]?: true } | null | undefined)?.[ours] === true;
}

/** Whether a class has a code itself. Classes that programs derive from those of the library are not of that code alone. */
function hasCode(Class: ErrorClass): Class is ErrorClass & { readonly code: string } {
  return Object.hasOwn(Class, "code");
}

/** The name of a class: of the library's own it is made from the code, since minifiers rename classes. */
export function classNameOf(Class: ErrorClass): string {
  if (Class === LimitError) return "LimitError";
  return isOurs(Class.prototype) && hasCode(Class) ? nameFrom(Class.code) : Class.name;
}

/** `"ERR_ACQUIRE_TIMEOUT"` -> `"AcquireTimeoutError"` */
function nameFrom(code: string): string {
  const words = code.slice(code.indexOf("_")).toLowerCase();
  return words.replace(/_./g, (pair) => pair[1]!.toUpperCase()) + (code[0] === "E" ? "Error" : "Warning");
}
