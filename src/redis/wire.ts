/** The script's answer to one request. */

import type { Definitions } from "./definitions.ts";

export type Answer = Granted | Refused;

export interface Granted {
  readonly kind: "granted";
  /** The time of the grant in microseconds, by which a settlement names the acquisition. */
  readonly token: number;
  /** The shadows that let it pass, by their index in the set. */
  readonly passed: readonly number[];
}

export interface Refused {
  readonly kind: "refused";
  /** The limits that refuse, in the order of the set. None if it would be granted. */
  readonly refusers: readonly Refuser[];
}

/** A limit that refuses a request. */
export interface Refuser {
  /** Its index in the set. */
  readonly index: number;
  /** For how long it refuses, in milliseconds; Infinity if only a release helps. */
  readonly waitMs: number;
  /** For how long it is paused, in milliseconds: 0 if it is not, Infinity if without an end. */
  readonly pausedMs: number;
  /** It would grant the request, but for those that stand before it. */
  readonly isKept: boolean;
  /** The state of a window, if the script tells it. */
  readonly facts: string | undefined;
}

export function parseAnswer(text: string, definitions: Definitions): Answer {
  const [head, rest] = text.startsWith("+") ? text.slice(1).split("/") : ["", text.slice(1)];
  const list = rest ? rest.split(",") : [];
  if (head) {
    return {
      kind: "granted",
      token: Number(head),
      passed: list.map((index) => definitions.limitAt(Number(index))),
    };
  }
  const refusers = list.map((one): Refuser => {
    const [, index, wait, paused, kept, facts] = /^(\d+):(~|\d+)(?:!(\d*))?(k?)(.*)$/.exec(one)!;
    return {
      index: definitions.limitAt(Number(index)),
      waitMs: waitOf(wait!),
      pausedMs: paused === undefined ? 0 : waitOf(paused || "~"),
      isKept: kept === "k",
      facts: facts || undefined,
    };
  });
  return { kind: "refused", refusers: refusers.sort((a, b) => a.index - b.index) };
}

/** The same for a request of so many units, from the stamp of its grant; or from minus its wait in microseconds, if the only limit refuses. */
export function answerOf(stamp: number, units: readonly number[]): Answer {
  if (stamp >= 0) return { kind: "granted", token: stamp, passed: [] };
  const index = units.findIndex((count) => count > 0);
  const refuser = { index, waitMs: -stamp / 1000, pausedMs: 0, isKept: false, facts: undefined };
  return { kind: "refused", refusers: [refuser] };
}

/** Units by limit, from the script's `index:units` joined by commas. */
export function parseUnits(text: string, definitions: Definitions): readonly (readonly [number, number])[] {
  return [...text.matchAll(/(\d+):(\d+)/g)].map(([, index, units]) => [
    definitions.limitAt(Number(index)),
    Number(units),
  ]);
}

/** A wait in milliseconds, from the script's microseconds or `~`, which stands for Infinity. */
export function waitOf(text: string): number {
  return text === "~" ? Number.POSITIVE_INFINITY : Number(text) / 1000;
}
