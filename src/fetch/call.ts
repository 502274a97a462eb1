/** A call: a request that was granted, until the body of its answer has ended. */
import type { Acquisition } from "../contract.ts";
import type { LimitError } from "../errors.ts";
import { type End, watched } from "../exchange/body.ts";
import type { AnyLimits } from "../exchange/set.ts";
import { settle } from "../exchange/settle.ts";
import { type Clock, LONGEST_TIMER_MS } from "../platform/clock.ts";
import { UnreadBodyWarning } from "./errors.ts";
import { Excerpt } from "./excerpt.ts";
import { type Names, obey } from "./obey.ts";
import type { RouteOptions } from "./options.ts";
import type { Costs, Reading } from "./provider.ts";
import type { ReadableRequest } from "./request.ts";
import { withBody } from "./response.ts";

/** What all routes share. */
export interface Around {
  readonly fetch: typeof fetch | undefined;
  readonly onWarning: (warning: LimitError) => void;
  readonly clock: Clock;
}

/** The amounts that were taken of a set, or of a partition, while calls are in progress, by metric. */
export type Taken = Map<string, number>;

/** The part of a set that a request takes from. */
export interface Part {
  /** The set, or a view of it. */
  readonly set: AnyLimits;
  readonly whole: AnyLimits;
  readonly names: Names | undefined;
  readonly taken: Taken;
}

export interface Call {
  /** Does what an answer says of limits, and keeps the usage that it says. Resolves to whether the next attempt waits at the set. */
  hear(reading: Reading): Promise<boolean>;
  /** The answer to hand out. Everything is held until its body has ended. */
  hold(response: Response): Response;
  /** Gives everything back, and charges what was used, as far as it is known. */
  end(used?: Costs): void;
}

const UNREAD_MS = 60_000;
export const LONGEST_PAUSE_MS = 3_600_000;
const ERROR_BYTES = 64 * 1024;

/** `cost` is what the provider says, and `left` is called at the end. */
export function beginCall(
  { set, whole, names, taken }: Part,
  acquisition: Acquisition<string>,
  cost: Costs,
  { url: { origin, pathname } }: ReadableRequest,
  options: RouteOptions,
  { clock, onWarning }: Around,
  left: () => void,
): Call {
  const { provider, usage, metrics: renamed = {}, learn } = options;
  const { maxPauseMs = LONGEST_PAUSE_MS, unreadMs = UNREAD_MS } = options;
  const add = (metric: string, amount: number) => taken.set(metric, (taken.get(metric) ?? 0) + amount);
  for (const [metric, amount] of Object.entries(acquisition.requested as Costs)) add(metric, amount);
  const mark = new Map(taken);
  let heard: Costs | undefined;

  const hear = (reading: Reading) => {
    heard ??= reading.used;
    const requested = acquisition.requested as Costs;
    const how = { set, whole, names, requested, renamed, learn, maxPauseMs };
    return obey(how, reading, (metric) => (taken.get(metric) ?? 0) - (mark.get(metric) ?? 0)).catch(
      () => false,
    );
  };

  const end = (used: Costs = {}) => {
    settle(set, acquisition, used, add);
    left();
  };

  const ended = ({ status, headers }: Response, kind: string, excerpt: Excerpt | undefined, how: End) => {
    const complete = how === "complete";
    let used: Costs = {};
    try {
      if (kind && excerpt && provider?.body) {
        const isStream = kind !== "json";
        const value = provider.bodyKey ? excerpt.find(provider.bodyKey, isStream) : undefined;
        const streamed = isStream ? excerpt.tokens() : undefined;
        void hear(provider.body(value, { complete, streamed, cost }) ?? {});
      }
      for (const [name, amount] of Object.entries(heard ?? {}))
        used = { ...used, [renamed[name] ?? name]: amount };
      const { bytes = 0, whole: text = "" } = excerpt ?? {};
      used = { ...used, ...(usage?.({ status, headers, complete, bytes, text }) as Costs | undefined) };
    } finally {
      end(used);
    }
  };

  return {
    hear,
    end,
    hold(response) {
      const { body, headers, status } = response;
      const [kind = ""] = /\bjson\b|^text\/event-stream/.exec(headers.get("content-type") ?? "") ?? [];
      // Programs do not read what is known to be empty.
      if (!body?.getReader || body.locked || headers.get("content-length") === "0") {
        ended(response, kind, undefined, "complete");
        return response;
      }
      const excerpt = usage || (provider?.body && kind) ? new Excerpt() : undefined;
      const stream = watched(body, {
        chunk: excerpt && ((chunk) => chunk instanceof Uint8Array && excerpt.add(chunk)),
        end: (how) => ended(response, kind, excerpt, how),
        unreadMs: unreadMs > LONGEST_TIMER_MS ? Number.POSITIVE_INFINITY : unreadMs,
        clock,
        // Many programs look at the status of an error, and leave its body unread. It holds nothing then, if it is short.
        ahead: status >= 400 ? ERROR_BYTES : 0,
        unread() {
          const warning: LimitError = new UnreadBodyWarning(origin + pathname, unreadMs);
          onWarning(warning);
          return warning;
        },
      });
      return withBody(response, stream);
    },
  };
}
