/** The facts of a host's set, as `WELCOME` tells them to a peer. */
import { type Limit, type LimitLike, toLimits } from "../limits/limits.ts";
import { Requests } from "../limits/requests.ts";
import { textOf } from "../remote/text.ts";
import { unpackLimit } from "./definitions.ts";
import { isBound } from "./options.ts";
import { type Operation, TO_HOST } from "./protocol.ts";
import { readList } from "./reading.ts";

export interface Facts<M extends string, K extends string = M> {
  readonly requests: Requests<M, K>;
  readonly limits: readonly Limit<K, M>[];
  readonly config: Readonly<Record<string, unknown>>;
  readonly missingUpdate: "throw" | "charge";
  readonly wantsHeartbeat: boolean;
  /** The option `maxUnread` of the host. */
  readonly maxUnread: number;
  /** Whether the host can tell what a try would be answered. */
  readonly knowsPeek: boolean;
  /** Whether the host can change its limits for a peer. */
  readonly knowsChange: boolean;
}

// No set has so many. An array may have any length and yet be empty, which takes minutes to go through.
const MOST_LIMITS = 1_000_000;

/** Reads `WELCOME`, with all its values. Returns the reason, in words, if it cannot be read. */
export function readFacts<M extends string, K extends string = M>(welcome: Operation): Facts<M, K> | string {
  const [, , definitions, config, missingUpdate, wantsHeartbeat, bound, latest] = welcome;
  const maxUnread = bound === null ? Number.POSITIVE_INFINITY : bound;
  if (!isBound(maxUnread)) return "the host has sent a bound that cannot be read";
  try {
    const list = readList(definitions, MOST_LIMITS, (each): each is LimitLike<K, M> => each !== undefined);
    if (!list) return "the host has sent limits that cannot be read";
    const limits = toLimits(list.map((each) => unpackLimit<K, M>(each)));
    return {
      requests: new Requests<M, K>(limits),
      limits,
      config: Object.freeze({ ...(config as Record<string, unknown>) }),
      missingUpdate: missingUpdate === "charge" ? "charge" : "throw",
      wantsHeartbeat: wantsHeartbeat === true,
      maxUnread,
      knowsPeek: typeof latest === "number" && latest >= TO_HOST.PEEK,
      knowsChange: typeof latest === "number" && latest >= TO_HOST.CHANGE,
    };
  } catch (error) {
    return `the host has sent invalid limits: ${textOf(error)}`;
  }
}
