/** The answers to HTTP requests that are refused. */
import type { Amounts } from "../contract.ts";
import { InvalidRequestError, LimitError } from "../errors.ts";
import { PROBLEM, QUOTA_EXCEEDED, REDUCED_CAPACITY } from "../exchange/problem.ts";
import { type AnyLimits, impossible, limitsOf } from "../exchange/set.ts";
import { metricOf } from "../limits/metrics.ts";
import type { HttpRefusal, RefusalAnswer } from "./options.ts";

const TITLES: Readonly<Record<HttpRefusal["why"], string>> = {
  limited: "The quota of these requests is used up",
  impossible: "The request asks for more than its quota can ever have",
  full: "Too many requests wait already",
  away: "The limits cannot be reached",
};

/** The facts of an error that refuses, as far as it has them. */
interface Facts {
  readonly limitedBy?: readonly string[];
  readonly retryAfterMs?: number;
}

export type Reason = Pick<HttpRefusal, "why" | "limitedBy" | "retryAfterMs">;

/** Why an error refuses an HTTP request; undefined for an error that is none of the limits. */
export function reasonOf(error: unknown): Reason | undefined {
  if (!(error instanceof LimitError)) return undefined;
  const { limitedBy = [], retryAfterMs = Number.POSITIVE_INFINITY } = error as Facts;
  switch (error.code) {
    case "ERR_ACQUIRE_TIMEOUT":
    case "ERR_WAIT_TOO_LONG":
      return { why: "limited", limitedBy, retryAfterMs };
    case "ERR_QUEUE_FULL":
      return { why: "full", limitedBy, retryAfterMs };
    case "ERR_BACKEND_UNAVAILABLE":
      return { why: "away", limitedBy, retryAfterMs };
    default:
      return undefined;
  }
}

/** That a request could never pass, if an error says so. Costs may hang on the request: such a one is no fault of the program. */
export function impossibleOf(
  error: unknown,
  view: AnyLimits,
  amounts: Amounts<string> | undefined,
): Reason | undefined {
  if (!(error instanceof InvalidRequestError) || amounts === undefined) return undefined;
  const limits = limitsOf(view);
  const metrics = impossible(limits, amounts);
  if (metrics.length === 0) return undefined;
  const limitedBy = limits.filter((limit) => metrics.includes(metricOf(limit))).map(({ key }) => key);
  return { why: "impossible", limitedBy, retryAfterMs: Number.POSITIVE_INFINITY };
}

export function statusOf(why: HttpRefusal["why"]): number {
  return why === "full" || why === "away" ? 503 : 429;
}

const PROBLEM_HEADERS = { "content-type": PROBLEM };

/** The beginnings of problem documents, which hang on nothing else. */
const BEGINNINGS = new Map<HttpRefusal["why"], string>();

/** The usual answer. `shown` are the keys that clients may read. */
export function problemOf({ why, status }: HttpRefusal, shown: readonly string[]): RefusalAnswer {
  let beginning = BEGINNINGS.get(why);
  if (beginning === undefined) {
    const type = status === 503 ? REDUCED_CAPACITY : QUOTA_EXCEEDED;
    beginning = JSON.stringify({ type, title: TITLES[why], status }).slice(0, -1);
    BEGINNINGS.set(why, beginning);
  }
  return { body: `${beginning},"violated-policies":${JSON.stringify(shown)}}`, headers: PROBLEM_HEADERS };
}
