/** Answers that are made here, in place of requests that were not sent. */
import type { LimitError } from "../errors.ts";
import { PROBLEM, QUOTA_EXCEEDED } from "../exchange/problem.ts";

/** The facts of an error, as far as it has them. */
interface Facts {
  readonly limitedBy?: readonly string[];
  readonly retryAfterMs?: number;
}

/**
 * A 429 for a request that was not sent. The clients of vendors take every error of `fetch` for a broken connection, and try again;
 * an answer with this mark they hand to the caller.
 */
export function refused(error: LimitError, limitedBy?: readonly string[]): Response {
  const { limitedBy: keys = limitedBy ?? [], retryAfterMs = Number.POSITIVE_INFINITY } = error as Facts;
  const { code, message } = error;
  const headers = new Headers({ "content-type": PROBLEM, "x-should-retry": "false" });
  if (Number.isFinite(retryAfterMs)) headers.set("retry-after", String(Math.ceil(retryAfterMs / 1000)));
  const problem = {
    ...{
      type: QUOTA_EXCEEDED,
      title: "Not sent: its limits do not let it pass",
      status: 429,
      detail: message,
    },
    ...{ code, "violated-policies": keys },
    // Here the clients of model APIs look for the message.
    error: { type: "rate_limit_error", code, message },
  };
  return new Response(JSON.stringify(problem), { status: 429, statusText: "Too Many Requests", headers });
}
