/** The troubles of the other side of a channel, as platforms tell of them, and how it ends. */
import { show } from "../errors.ts";
import { textOf } from "../remote/text.ts";

/** The reason for which the other side may not answer. */
export interface Trouble {
  readonly why: string;
  /** The error that lies behind, where there is one. */
  readonly cause: unknown;
  /** Whether the other side can certainly not answer. */
  readonly isFinal: boolean;
}

/** The reason of the end of the other side. */
export class Ending {
  readonly how: string;
  readonly cause: unknown;

  constructor(how: string, cause?: unknown) {
    this.how = how;
    this.cause = cause;
  }
}

/** How the other side has ended, perhaps in `trouble`, and the error that lies behind. */
export function howEnded(reason: unknown, trouble: Trouble | undefined): [how: string, cause?: unknown] {
  if (reason instanceof Ending) return [`the host is gone: ${reason.how}`, reason.cause];
  return trouble ? [`the host is gone: ${trouble.why}`, trouble.cause] : ["the host is gone"];
}

/** The end of a thread or a process with an exit code, perhaps by an error. */
export function exited(code: unknown, cause?: unknown): Ending {
  const how = cause === undefined ? `it exited with code ${show(code)}` : textOf(cause);
  return new Ending(how, cause);
}

/** Its next answer may be readable. */
export const UNREAD: Trouble = {
  why: "the host has sent a message that cannot be read here",
  cause: undefined,
  isFinal: false,
};

/** A worker that has thrown may still answer; one that has not been loaded tells no message, and never will. */
export function troubleOf({ message, error, filename, lineno }: Partial<ErrorEvent>): Trouble {
  const cause = error ?? undefined;
  if (!message) {
    const why =
      "its worker could not be loaded: the script is not there or no script, or a policy forbids it (worker-src of the Content-Security-Policy)";
    return { why, cause, isFinal: true };
  }
  const at = filename ? ` (${filename}:${lineno})` : "";
  return { why: `its worker failed: ${message}${at}`, cause, isFinal: false };
}
