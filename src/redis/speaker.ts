/** The side of this process in a conversation with the server, and its operations. */
import type { LimitError } from "../errors.ts";

/** One thing that the script is asked. */
export interface Operation {
  /** The operation as the script reads it; `undefined` once its answer is not wanted any more. */
  encode(): string | undefined;
  /** The units of a request that has not waited and stands behind no waiter; undefined for everything else. */
  takes?(): readonly number[] | undefined;
  /** The script's answer. */
  answered(answer: string, timing: Timing): void;
  /** The answer where a number is the answer to all of the batch: the stamp of its grant; or, below 0, minus its wait in microseconds. */
  stamped?(stamp: number, timing: Timing): void;
  /** Failed with `error`; `undefined` means that the outcome is unknown, since the answer was lost. */
  failed(error: unknown): void;
  /** It was not done, and is to be asked for in another batch. */
  again(): void;
}

/** Two times by the set's clock: when a batch was first sent, and the start of the waits in its answer. */
export interface Timing {
  readonly sentAt: number;
  readonly readAt: number;
}

/** The script's answer to a batch as a whole. */
export interface Outcome {
  readonly seq: number;
  /** Whether the server has stored the session. */
  readonly isWritten: boolean;
  /** How long until some lease may end, in milliseconds; undefined if the script does not tell. */
  readonly dueMs: number | undefined;
  /** The server did not let the script tell others of a release. */
  readonly isUnheard: boolean;
}

/** This process's side of a conversation. */
export interface Speaker {
  /** The operations of the next batch, in order; empty if there are none. */
  next(): readonly Operation[];
  /** The requests that have not been sent and would fail as the last batch has; settlements stay for a later one. */
  unsent(): readonly Operation[];
  /** Calls the script. */
  call(seq: number, operations: readonly Operation[]): Promise<string | number>;
  /** The answers of a batch that was first sent at `sentAt` have come. */
  arrived(sentAt: number, outcome: Outcome): Timing;
  /** All operations of the batch have been told their answers. `wasInterrupted`: the connection had failed meanwhile. */
  told(timing: Timing, outcome: Outcome, wasInterrupted: boolean): void;
  /** The script has done nothing. Returns the error; or how to go on: with the same batch, or with a new one. */
  refused(answer: string): Error | "resend" | "anew";
  /**
   * An answer is missing: gives up all that was asked before `askedBefore`, by `Conversation.now`; without an error, only that
   * which waits no longer itself. Returns when the oldest of the rest was asked, Infinity if there is none.
   */
  missing(askedBefore: number, error: LimitError | undefined): number;
  /** The connection has failed. */
  interrupted(): void;
  /** Whether there is more to ask than the present batch does. */
  readonly isWaiting: boolean;
}
