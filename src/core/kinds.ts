/** The kinds of limits by name, and the definition of a limit as the core takes it. */
import {
  FIXED_WINDOW,
  GCRA,
  LEAKY_BUCKET,
  RESOURCE,
  SLIDING_WINDOW,
  TOKEN_BUCKET,
} from "../../assembly/layout.ts";

export const KINDS = {
  "token-bucket": TOKEN_BUCKET,
  gcra: GCRA,
  "leaky-bucket": LEAKY_BUCKET,
  "sliding-window": SLIDING_WINDOW,
  "fixed-window": FIXED_WINDOW,
  resource: RESOURCE,
} as const;

/** A limit's definition in whole units and whole microseconds. */
export interface Definition {
  readonly kind: keyof typeof KINDS;
  readonly capacity: number;
  /** The most that one request can take. */
  readonly ceiling: number;
  readonly windowMicros: number;
}
