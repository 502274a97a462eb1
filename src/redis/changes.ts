/** The methods that change limits, as operations of the script. */
import { chargeOf, lowerOf, pauseOf, resetOf, resumeOf } from "../limits/changes.ts";
import type { Limit } from "../limits/limits.ts";
import type { SentChange } from "../remote/changes.ts";
import type { Definitions } from "./definitions.ts";

interface ChangeOperation {
  /** As the script reads it; undefined if it changes nothing. */
  readonly text: string | undefined;
  /** The units that it charges, if that is what it does. */
  readonly charged?: readonly number[];
}

/** @throws {InvalidRequestError} for an unknown key, or a value that makes no sense. */
export function operationOf(
  change: SentChange,
  limits: readonly Limit[],
  definitions: Definitions,
): ChangeOperation {
  const operation = (code: string, values: readonly number[]): ChangeOperation => {
    const list = definitions.encodeChange(values);
    return { text: list === "" ? undefined : code + list };
  };
  if (change[0] === "pause") {
    const values = pauseOf(limits, change[1], change[2]);
    const micros = Math.max(...values);
    const zeroes = values.map((value) => Math.min(value, 0));
    return operation(micros > Number.MAX_SAFE_INTEGER ? "H~ " : `H${micros} `, zeroes);
  }
  if (change[0] === "resume") return operation("G", resumeOf(limits, change[1]));
  if (change[0] === "lower") return operation("B", lowerOf(limits, change[1]));
  if (change[0] === "reset") return operation("Z", resetOf(limits, change[1]));
  const charged = chargeOf(limits, change[1]);
  const list = definitions.encode(charged);
  return list === "" ? { text: undefined } : { text: `S0 ${list}`, charged };
}
