/** The script's answer to one request. */

import type { Definitions } from "./definitions.ts";
import type { Stop } from "./line.ts";

export type Answer = Granted | Refused | Behind;

export interface Granted {
  readonly kind: "granted";
  /** The time of the grant in microseconds, by which a settlement names the acquisition. */
  readonly token: number;
}

export interface Refused {
  readonly kind: "refused";
  /** When to ask again, in milliseconds; Infinity if only after a release. */
  readonly waitMs: number;
  /** It depends on a release; together with a finite wait, on that of a waiter before it. */
  readonly hangs: boolean;
  /** The limits that refuse, by their index in the set. */
  readonly by: readonly number[];
  /** It stands behind a waiter, so that its limits alone do not decide. */
  readonly isBehind: boolean;
}

/** It was not tried, since it stands behind a waiter of the same batch. */
export interface Behind {
  readonly kind: "behind";
  readonly stop: Stop;
}

export function parseAnswer(text: string, definitions: Definitions): Answer {
  if (text.startsWith("+")) return { kind: "granted", token: Number(text.slice(1)) };
  if (text.length === 2 && text.startsWith("=")) return { kind: "behind", stop: Number(text[1]) as Stop };
  const isBehind = text.startsWith("=");
  const [wait, by] = text.slice(isBehind ? 2 : 1).split(/!?\//);
  return {
    kind: "refused",
    waitMs: waitOf(wait!),
    hangs: text.includes("!"),
    by: by ? by.split(",").map((index) => definitions.limitAt(Number(index))) : [],
    isBehind,
  };
}

/** A wait in milliseconds, from the script's microseconds or `~`, which stands for Infinity. */
export function waitOf(text: string): number {
  return text === "~" ? Number.POSITIVE_INFINITY : Number(text) / 1000;
}
