/** The script's answer to a batch. */
import type { Outcome } from "./speaker.ts";
import { waitOf } from "./wire.ts";

/** How a batch has ended, and the answers to its operations; or the number that is the answer to all of them. */
export interface Told {
  readonly outcome: Outcome;
  readonly answers: readonly string[] | number;
}

/** The answer as the client gives it: it may have made a text or a number of it. */
export function readReply(reply: unknown): string | number {
  if (typeof reply === "number") return reply;
  const text = String(reply);
  return /^-?\d+$/.test(text) ? Number(text) : text;
}

/** The answer to the batch `seq` of so many operations. Undefined if nothing was done. */
export function toldBy(reply: string | number, seq: number, operations: number): Told | undefined {
  if (typeof reply === "number") {
    // The stamp of the grants of all operations; or minus the wait of the only one.
    return { outcome: { seq, isWritten: reply >= 0, dueMs: undefined, isUnheard: false }, answers: reply };
  }
  const [verdict, isWritten, due, ...answers] = reply.split(" ");
  if ((verdict !== "ok" && verdict !== "mute") || answers.length < operations) return undefined;
  const outcome = { seq, isWritten: isWritten === "1", dueMs: waitOf(due!), isUnheard: verdict === "mute" };
  return { outcome, answers };
}
