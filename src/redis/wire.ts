/** What the script answers to one operation. */

export type Answer = Granted | Refused | Behind;

export interface Granted {
  readonly kind: "granted";
  /** Microseconds. */
  readonly takenAt: number;
}

export interface Refused {
  readonly kind: "refused";
  readonly waitMs: number;
  /** It hangs on a release; where it is to be asked for again after some time nevertheless, on that of somebody who waits before it. */
  readonly hangs: boolean;
  /** Which limits refuse, by their index in the set. */
  readonly by: readonly number[];
  /** It stands behind one who waits, whatever it might get by itself. */
  readonly isBehind: boolean;
}

export interface Behind {
  readonly kind: "behind";
  readonly stop: number;
}

/** `inOrder` finds the limit of an index in the script's order. */
export function parseAnswer(text: string, inOrder: (index: number) => number): Answer {
  if (text.startsWith("+")) return { kind: "granted", takenAt: Number(text.slice(1)) };
  if (text.length === 2 && text.startsWith("=")) return { kind: "behind", stop: Number(text[1]) };
  const isBehind = text.startsWith("=");
  const [wait, by] = text.slice(isBehind ? 2 : 1).split(/!?\//);
  return {
    kind: "refused",
    waitMs: waitOf(wait!),
    hangs: text.includes("!"),
    by: by ? by.split(",").map((index) => inOrder(Number(index))) : [],
    isBehind,
  };
}

export function waitOf(text: string): number {
  return text === "~" ? Number.POSITIVE_INFINITY : Number(text) / 1000;
}
