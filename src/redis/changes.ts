/** The methods that change limits, as operations of the script. */
import { chargeOf, lowerOf, pauseOf, resetOf, resumeOf } from "../limits/changes.ts";
import type { Era } from "../limits/era.ts";
import { chargeable, checkChange } from "../limits/named-requests.ts";
import type { Clock } from "../platform/clock.ts";
import type { SentChange } from "../remote/changes.ts";
import type { Definitions } from "./definitions.ts";
import type { Place } from "./place.ts";
import type { Roster } from "./roster.ts";

interface ChangeOperation {
  /** As the script reads it in a batch that has these partitions; empty if it changes nothing. */
  readonly text: (roster: Roster) => string;
  readonly isEmpty: boolean;
  /** The units that it charges, if that is what it does. */
  readonly charged?: readonly number[];
  /** The limits that it pauses, if it does: those with values from 0 on, until a moment in milliseconds since the epoch if it is done now. */
  readonly paused?: { readonly values: readonly number[]; readonly untilAt: number };
}

interface Terms {
  readonly definitions: Definitions;
  readonly clock: Pick<Clock, "now">;
}

/**
 * A change of the set with this era, or of a view, which has a place.
 *
 * @throws {InvalidRequestError} for an unknown key, a value that makes no sense, or a limit whose dimension is not named.
 */
export function operationOf(
  change: SentChange,
  { limits, requests }: Pick<Era, "limits" | "requests">,
  { definitions, clock }: Terms,
  place: Place | undefined,
): ChangeOperation {
  const operation = (code: string, values: readonly number[]): ChangeOperation => {
    checkChange(requests, values, change[0] !== "lower");
    return {
      text: (roster) => code + definitions.encodeChange(values, roster.slotsOf(place)),
      isEmpty: values.every((value) => value < 0),
    };
  };
  if (change[0] === "pause") {
    const values = pauseOf(limits, change[1], change[2]);
    const micros = Math.max(...values);
    const zeroes = values.map((value) => Math.min(value, 0));
    const code = micros > Number.MAX_SAFE_INTEGER ? "H~ " : `H${micros} `;
    return { ...operation(code, zeroes), paused: { values: zeroes, untilAt: clock.now() + micros / 1000 } };
  }
  if (change[0] === "resume") return operation("G", resumeOf(limits, change[1]));
  if (change[0] === "lower") return operation("B", lowerOf(limits, change[1]));
  if (change[0] === "reset") return operation("Z", resetOf(limits, change[1]));
  const charged = chargeable(requests, chargeOf(limits, change[1]));
  return {
    text: (roster) => `S0 ${definitions.encode(charged, roster.slotsOf(place))}`,
    isEmpty: charged.every((units) => units === 0),
    charged,
  };
}
