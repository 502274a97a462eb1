/** The messages between the tests and the Worker under test: JSON, extended by the values that JSON lacks. */

const ODD: Readonly<Record<string, unknown>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
  undefined: undefined,
};

export function encode(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    each === undefined || (typeof each === "number" && !Number.isFinite(each))
      ? { $odd: String(each) }
      : each,
  );
}

export function decode(text: string): unknown {
  return revive(JSON.parse(text));
}

// The reviver of JSON.parse would leave out properties that are undefined.
function revive(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(revive);
  if ("$odd" in value) return ODD[value.$odd as string];
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revive(each)]));
}

/** A call that the Worker carries out. */
export interface Question {
  readonly number: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: WireError;
  /** The definitions that sets have by now, if these are others than were told last: by the names of the sets. */
  readonly facts?: Readonly<Record<string, WireFacts>>;
  /** Whether the call rejected with the reason of the signal that it was given. */
  readonly isAborted?: boolean;
}

/** A view of a set. */
export interface WireView {
  readonly name: string;
  readonly names: Readonly<Record<string, string | null>>;
  readonly tier?: string | undefined;
}

/** The definitions of a set. */
export interface WireFacts {
  readonly keys: readonly string[];
  readonly definitions: readonly object[];
}

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly code: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An acquisition as plain data. */
export interface WireAcquisition {
  readonly number: number;
  readonly successful: boolean;
  readonly requested: Readonly<Record<string, number>>;
  readonly retryAfterMs: number;
  readonly limitedBy: readonly string[];
  readonly ahead: number;
  readonly waitedMs: number;
  readonly config: Record<string, unknown>;
}
