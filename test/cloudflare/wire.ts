/** What the tests and the Worker under test say to each other: JSON, with the numbers that JSON has not. */

const ODD: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

export function encode(value: unknown): string {
  return JSON.stringify(value, (_, each) =>
    typeof each === "number" && !Number.isFinite(each) ? { $odd: String(each) } : each,
  );
}

export function decode(text: string): unknown {
  return JSON.parse(text, (_, each) =>
    each && typeof each === "object" && "$odd" in each ? ODD[each.$odd] : each,
  );
}

/** What one connection asks of the Worker. */
export interface Question {
  readonly number: number;
  readonly op: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly number: number;
  readonly value?: unknown;
  readonly error?: WireError;
  /** Rejected with the reason of the signal that was aborted. */
  readonly isAborted?: boolean;
}

export interface WireError {
  readonly name: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** An acquisition as it travels. */
export interface WireAcquisition {
  readonly number: number;
  readonly successful: boolean;
  readonly requested: Readonly<Record<string, number>>;
  readonly retryAfterMs: number;
  readonly limitedBy: readonly string[];
  readonly config: Record<string, unknown>;
}
