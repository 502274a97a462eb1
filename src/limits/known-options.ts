/** Refuses options that are not known, since a misspelt option would do nothing. */
import { InvalidLimitError, InvalidRequestError, show } from "../errors.ts";

/** Makes the error for an option that is not known. */
export type Invalid = (option: string, value: unknown, bounds: string) => Error;

/** For options of sets and limits. */
export const invalidLimit: Invalid = (option, value, bounds) => new InvalidLimitError(option, value, bounds);

/** For options of requests and connections. */
export const invalidRequest: Invalid = (option, value, bounds) =>
  new InvalidRequestError(`${option} must be ${bounds}, got ${show(value)}`);

/** Refuses `options` of `owner` that are no object, or have an option that is not `known`. */
export function checkOptions(
  owner: string,
  options: unknown,
  known: readonly string[],
  invalid = invalidLimit,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalid("options", options, `an object that may have ${known.join(", ")}`);
  }
  for (const option in options) {
    if (known.includes(option) || isEverywhere(options, option)) continue;
    const near = nearest(option, known);
    const hint = near === undefined ? `it has ${known.join(", ")}` : `did you mean ${near}?`;
    const bounds = `left out, since ${owner} has no such option (${hint})`;
    throw invalid(option, (options as Record<string, unknown>)[option], bounds);
  }
}

/** A check of one option: of one that is given. */
export type Check = (name: string, isValid: (value: unknown) => boolean, bounds: string) => void;

/** Checks the values of options, each of which may be left out. */
export function checksOf(options: object, invalid: Invalid): Check {
  return (name, isValid, bounds) => {
    const value = (options as Readonly<Record<string, unknown>>)[name];
    if (value !== undefined && !isValid(value)) throw invalid(name, value, bounds);
  };
}

export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

export function isFunction(value: unknown): boolean {
  return typeof value === "function";
}

export function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

/** Whether a value is a span in milliseconds, which may be without an end. */
export function isTime(value: unknown): boolean {
  return typeof value === "number" && value >= 0;
}

/** Whether every object has the property, because a program has added it to `Object.prototype`. */
export function isEverywhere(object: object, property: string): boolean {
  return property in Object.prototype && !Object.hasOwn(object, property);
}

/** The known name that was most likely meant; undefined if none is near. */
function nearest(name: string, known: readonly string[]): string | undefined {
  return known.find((other) => isNear(name, other, 1)) ?? known.find((other) => isNear(name, other, 2));
}

/** Whether so many edits (a letter changed, added or left out) make `b` of `a`. */
function isNear(a: string, b: string, edits: number): boolean {
  if (a === b || edits === 0) return a === b;
  let same = 0;
  while (a[same] === b[same]) same++;
  const restA = a.slice(same);
  const restB = b.slice(same);
  const shorterA = restA.slice(1);
  const shorterB = restB.slice(1);
  return [
    [shorterA, shorterB],
    [shorterA, restB],
    [restA, shorterB],
  ].some(([x, y]) => isNear(x!, y!, edits - 1));
}
