/** Errors as plain data that any channel carries, and back: with class, message, stack, cause and whatever they had besides. */
import { limitErrorClasses } from "../remote/error-classes.ts";
import { isSendable } from "../remote/sendable.ts";
import * as workerErrors from "./errors.ts";
import type { ErrorClass } from "./policy.ts";

/** What was thrown. */
export type Packed = PackedError | { readonly thrown: unknown };

interface PackedError {
  /** Names of its class and of those that it extends. */
  readonly classes: readonly string[];
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: Packed | undefined;
  /** Of an AggregateError. */
  readonly errors: readonly Packed[] | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

type AnyClass = { readonly prototype: unknown; readonly name: string };

const KNOWN = classesIn([
  ...[Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError],
  ...limitErrorClasses,
  ...Object.values(workerErrors),
]);

/** Causes may go round in a circle. */
const DEEPEST = 8;

/** The classes of errors among `values`, by name. */
export function classesIn(values: readonly unknown[]): ReadonlyMap<string, AnyClass> {
  const classes = values.filter((value): value is ErrorClass & AnyClass => {
    const prototype = typeof value === "function" && (value as { prototype?: unknown }).prototype;
    return prototype instanceof Error || value === Error;
  });
  return new Map(classes.map((known) => [known.name, known]));
}

export function pack(thrown: unknown, depth = 0): Packed {
  if (!(thrown instanceof Error)) return { thrown: isSendable(thrown) ? thrown : String(thrown) };
  const { name, message, stack } = thrown;
  const { cause, errors } = thrown as { cause?: unknown; errors?: unknown };
  const deeper = depth < DEEPEST;
  const fields = Object.entries(thrown).filter(([key, value]) => !APART.has(key) && isSendable(value));
  return {
    classes: classesOf(thrown),
    name,
    message,
    stack,
    cause: deeper && cause !== undefined ? pack(cause, depth + 1) : undefined,
    errors: deeper && Array.isArray(errors) ? errors.map((each) => pack(each, depth + 1)) : undefined,
    fields: Object.fromEntries(fields),
  };
}

const APART: ReadonlySet<string> = new Set(["name", "message", "stack", "cause", "errors"]);

/** What was packed. `known` are the caller's own classes; an error of a class that nobody knows is one of the next above it. */
export function unpack(packed: Packed, known: ReadonlyMap<string, AnyClass>): unknown {
  if ("thrown" in packed) return packed.thrown;
  const { classes, name, message, stack, cause, errors, fields } = packed;
  if (classes[0] === "DOMException") return new DOMException(message, name);
  const error = new Error(message);
  const its = classes.map((each) => known.get(each) ?? KNOWN.get(each)).find((found) => found !== undefined);
  if (its) Object.setPrototypeOf(error, its.prototype as object);
  Object.assign(error, fields);
  if (error.name !== name) hide(error, "name", name);
  if (stack !== undefined) hide(error, "stack", stack);
  if (cause !== undefined) hide(error, "cause", unpack(cause, known));
  if (errors) {
    hide(
      error,
      "errors",
      errors.map((each) => unpack(each, known)),
    );
  }
  return error;
}

/** Sets a property that lists do not show, as those of errors are. */
function hide(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
}

function classesOf(error: Error): string[] {
  const names: string[] = [];
  for (let at: unknown = Object.getPrototypeOf(error); at instanceof Error || at === Error.prototype; ) {
    names.push((at as Error).constructor.name);
    at = Object.getPrototypeOf(at);
  }
  return names;
}
