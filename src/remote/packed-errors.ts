/**
 * Errors as plain data that any channel carries, and back. Backends send the library's own errors (`packError`). Workers send
 * anything that a method throws (`packThrown`), with its stack, its cause and every class that it extends.
 */
import { BackendUnavailableError, classNameOf, LimitError } from "../errors.ts";
import { classesIn, type ErrorClass, type ErrorClasses, limitErrorClasses } from "./error-classes.ts";
import { isSendable } from "./sendable.ts";
import { textOf } from "./text.ts";

/** An error of the library. Ports and Durable Objects send it to other versions of limitset too. */
export interface PackedError {
  readonly code: string;
  /** The name of its class. */
  readonly name: string;
  readonly message: string;
  /** Its other properties, its own `name` among them. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Those of them that are no finite numbers, as text: a channel of JSON carries none. Left out by earlier versions. */
  readonly numbers?: Readonly<Record<string, string>>;
}

const PACKED_ERROR_HAS: ReadonlySet<string> = new Set(["code", "name", "message", "stack"]);

/**
 * Packs an error of a set for the peer. An error that is not the library's becomes a `BackendUnavailableError`. It never throws,
 * whatever was thrown.
 */
export function packError(error: unknown): PackedError {
  try {
    if (error instanceof LimitError) return packOwn(error);
  } catch {
    // An error whose properties cannot be read is packed as one that is not the library's.
  }
  return packOwn(new BackendUnavailableError(`the host failed: ${textOf(error)}`));
}

function packOwn(error: LimitError): PackedError {
  const { code, name, message } = error;
  // Not every channel carries an error: the text of a cause crosses.
  const cause = error.cause instanceof Error ? { cause: textOf(error.cause) } : {};
  const fields = { ...fieldsOf(error, PACKED_ERROR_HAS), ...cause, name };
  const numbers = numbersIn(fields);
  return {
    code,
    name: classNameOf(error.constructor as never),
    message,
    fields,
    ...(numbers && { numbers }),
  };
}

/** The fields that are no finite numbers, as text; undefined if there are none. */
function numbersIn(fields: object): Record<string, string> | undefined {
  const odd = Object.entries(fields).filter(
    ([, value]) => typeof value === "number" && !Number.isFinite(value),
  );
  return odd.length > 0 ? Object.fromEntries(odd.map(([key, value]) => [key, String(value)])) : undefined;
}

/** The error that was packed. A `BackendUnavailableError` says so if `packed` is not a packed error. It never throws. */
export function unpackError(packed: unknown): Error {
  try {
    const { code, name, message, fields, numbers } = packed as Partial<PackedError>;
    const known = limitErrorClasses.find((candidate) => classNameOf(candidate) === name);
    if (known && typeof code === "string" && typeof message === "string") {
      const own = withoutText({ ...fields, ...readNumbers(numbers) }) as { cause?: unknown };
      if (typeof own.cause === "string") own.cause = new Error(own.cause);
      return revive(new LimitError(code, message), known, own);
    }
  } catch {
    // It cannot be read.
  }
  return new BackendUnavailableError("the host answered with an error that cannot be read");
}

function readNumbers(numbers: object | undefined): object {
  const odd = Object.entries(numbers ?? {}).map(([key, text]) => [key, Number(text)] as const);
  return Object.fromEntries(odd.filter(([, value]) => !Number.isFinite(value)));
}

/** The fields of a packed error, without those that would replace its texts by other values. */
function withoutText(fields: object | undefined): object {
  const known = Object.entries(fields ?? {}).filter(([key, value]) =>
    key === "name" ? typeof value === "string" : !PACKED_ERROR_HAS.has(key),
  );
  return Object.fromEntries(known);
}

/** A value that was thrown: an error as plain data, or any other value as it is. */
export type PackedThrown = PackedAnyError | { readonly thrown: unknown };

interface PackedAnyError {
  /** The name of its class, then the names of the classes that this one extends. */
  readonly classes: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: PackedThrown | undefined;
  /** The errors of an `AggregateError`. */
  readonly errors: readonly PackedThrown[] | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

const PACKED_THROWN_HAS: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

/** A chain of causes may be a circle: deeper causes than this are left out. */
const DEEPEST = 8;

/** Packs a value that was thrown. Properties that structured cloning does not carry are left out. It never throws. */
export function packThrown(thrown: unknown): PackedThrown {
  try {
    return packAny(thrown, 0);
  } catch {
    return { thrown: textOf(thrown) };
  }
}

function packAny(thrown: unknown, depth: number): PackedThrown {
  if (!(thrown instanceof Error)) return { thrown: isSendable(thrown) ? thrown : textOf(thrown) };
  const { name, message, stack } = thrown;
  const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
  const deeper = depth < DEEPEST;
  return {
    classes: classNamesOf(thrown),
    name,
    message,
    stack,
    cause: deeper && cause !== undefined ? packAny(cause, depth + 1) : undefined,
    errors: deeper && Array.isArray(errors) ? errors.map((each) => packAny(each, depth + 1)) : undefined,
    fields: fieldsOf(thrown, PACKED_THROWN_HAS),
  };
}

/**
 * The value that was thrown. An error gets the nearest of its classes that this side has: in `known`, or else among the platform's
 * and the library's own.
 */
export function unpackThrown(packed: PackedThrown, known: ErrorClasses): unknown {
  if ("thrown" in packed) return packed.thrown;
  const { classes, name, message, stack, cause, errors, fields } = packed;
  if (classes[0] === "DOMException") return new DOMException(message, name);
  const nearest = classes.map((each) => known.get(each) ?? standardClass(each)).find((found) => found);
  const error = revive(new Error(message), nearest, fields);
  if (error.name !== name) hide(error, "name", name);
  if (stack !== undefined) hide(error, "stack", stack);
  if (cause !== undefined) hide(error, "cause", unpackThrown(cause, known));
  if (errors) {
    const unpacked = errors.map((each) => unpackThrown(each, known));
    hide(error, "errors", unpacked);
  }
  return error;
}

// Made at the first use: a program that unpacks no such error does not pay for it.
let standardClasses: ErrorClasses | undefined;

function standardClass(name: string): ErrorClass | undefined {
  standardClasses ??= classesIn([
    ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError],
    ...limitErrorClasses,
  ]);
  return standardClasses.get(name);
}

/** The error's enumerable properties that a channel carries, without those that are packed by themselves. */
function fieldsOf(error: Error, besides: ReadonlySet<string>): Record<string, unknown> {
  const fields = Object.entries(error).filter(([key, value]) => !besides.has(key) && isSendable(value));
  return Object.fromEntries(fields);
}

/** Gives an error its class and its fields. */
function revive(error: Error, known: ErrorClass | undefined, fields: object | undefined): Error {
  if (known) Object.setPrototypeOf(error, known.prototype as object);
  for (const [key, value] of Object.entries(fields ?? {})) {
    // To assign it would change the error's class.
    if (key !== "__proto__") (error as unknown as Record<string, unknown>)[key] = value;
  }
  return error;
}

/** Sets a property that is not enumerable, as an error's built-in ones are not. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

function classNamesOf(error: Error): string[] {
  const names: string[] = [];
  for (let at: unknown = Object.getPrototypeOf(error); at instanceof Error || at === Error.prototype; ) {
    names.push(classNameOf((at as Error).constructor as never));
    at = Object.getPrototypeOf(at);
  }
  return names;
}
