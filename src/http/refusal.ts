/** The answers to HTTP requests that are refused. */
import type { Amounts } from "../contract.ts";
import { InvalidRequestError, LimitError, show } from "../errors.ts";
import { PROBLEM, QUOTA_EXCEEDED, REDUCED_CAPACITY } from "../exchange/problem.ts";
import { type AnyLimits, impossible, limitsOf } from "../exchange/set.ts";
import { invalidRequest, isObject } from "../limits/known-options.ts";
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

const AWAY: Reason = { why: "away", limitedBy: [], retryAfterMs: Number.POSITIVE_INFINITY };

/** Why an error refuses an HTTP request; undefined for an error that is none of the limits. `isHere` is of the set. */
export function reasonOf(error: unknown, isHere: boolean): Reason | undefined {
  if (!(error instanceof LimitError)) return undefined;
  const { limitedBy = [], retryAfterMs = Number.POSITIVE_INFINITY } = error as Facts;
  switch (error.code) {
    case "ERR_ACQUIRE_TIMEOUT":
      // No limit is known to refuse: the set has not answered for as long as the request could wait, or this thread was blocked.
      if (limitedBy.length === 0) return isHere ? { why: "full", limitedBy, retryAfterMs } : AWAY;
      return { why: "limited", limitedBy, retryAfterMs };
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
  if (!(error instanceof InvalidRequestError) || !isObject(amounts)) return undefined;
  const limits = limitsOf(view);
  const metrics = impossible(limits, amounts);
  if (metrics.length === 0) return undefined;
  const limitedBy = limits.filter((limit) => metrics.includes(metricOf(limit))).map(({ key }) => key);
  return { why: "impossible", limitedBy, retryAfterMs: Number.POSITIVE_INFINITY };
}

export function statusOf(why: HttpRefusal["why"]): number {
  return why === "full" || why === "away" ? 503 : 429;
}

/** Whether answers of a status have no body. */
export function hasNoBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304;
}

const NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Checks an answer of one's own, which servers would fail to send in ways of their own.
 *
 * @throws {InvalidRequestError} if it cannot be sent.
 */
export function checkAnswer(answer: RefusalAnswer): RefusalAnswer {
  const check = (name: string, value: unknown, isValid: boolean, bounds: string) => {
    if (!isValid) throw invalidRequest(`${name} of whenRefused`, value, bounds);
  };
  check("the answer", answer, isObject(answer), "an object that may have status, body, headers");
  const { status = 429, body = "", headers = {} } = answer;
  const isStatus = Number.isInteger(status) && status >= 200 && status <= 599;
  check("the status", status, isStatus, "a whole number from 200 to 599");
  check("the body", body, typeof body === "string", "a string");
  check("headers", headers, isObject(headers), "an object of texts by name");
  for (const [name, value] of Object.entries(headers)) {
    check("a header", name, NAME.test(name), "a name without spaces");
    check(`the header ${show(name)}`, value, VALUE.test(value), "one line of Latin letters");
  }
  return answer;
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
