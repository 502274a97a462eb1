/** The facts of a host's set, as `WELCOME` tells them to a peer. */
import type { Era } from "../limits/era.ts";
import { textOf } from "../remote/text.ts";
import { readEra } from "./definitions.ts";
import { isBound } from "./options.ts";
import { type Operation, TO_HOST } from "./protocol.ts";

export interface Facts<M extends string, K extends string = M> {
  readonly era: Era<M, K>;
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly wantsHeartbeat: boolean;
  /** The option `maxUnread` of the host. */
  readonly maxUnread: number;
  /** The latest kind of operations that the host knows. */
  readonly latest: number;
}

/** Reads `WELCOME`, with all its values. Returns the reason, in words, if it cannot be read. */
export function readFacts<M extends string, K extends string = M>(welcome: Operation): Facts<M, K> | string {
  const [, , definitions, config, missingUpdate, wantsHeartbeat, bound, latest] = welcome;
  const maxUnread = bound === null ? Number.POSITIVE_INFINITY : bound;
  if (!isBound(maxUnread)) return "the host has sent a bound that cannot be read";
  const era = readEra<M, K>(0, definitions);
  if (typeof era === "string") return era;
  try {
    return {
      era,
      config: Object.freeze({ ...(config as Record<string, unknown>) }),
      missingUpdate: missingUpdate === "charge" ? "charge" : "throw",
      wantsHeartbeat: wantsHeartbeat === true,
      maxUnread,
      latest: typeof latest === "number" ? latest : TO_HOST.READ,
    };
  } catch (error) {
    return `the host has sent a config that cannot be read: ${textOf(error)}`;
  }
}
