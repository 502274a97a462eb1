/** Times as servers write them. */

const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: DAY_MS,
};

/** A number that is all of `text`, 0 or more; undefined where it is none. */
export function numberOf(text: string | null | undefined): number | undefined {
  return text != null && /^\s*\d{1,18}(?:\.\d{0,18})?\s*$/.test(text) ? Number(text) : undefined;
}

/**
 * The milliseconds until the moment of `text`, 0 or more; undefined where it says none. One name of a header has many forms, which are
 * told by their shape: a date, a span with units, seconds or milliseconds since 1970, a span of seconds.
 */
export function untilOf(text: string | null | undefined, headers: Headers, now: number): number | undefined {
  if (text == null) return undefined;
  const number = numberOf(text);
  if (number !== undefined) {
    if (number < 1e9) return number * 1000;
    return until(number < 1e12 ? number * 1000 : number, headers, now);
  }
  const spans = /^\s*(?:\d{1,18}(?:\.\d{1,18})?(?:[nuµm]s|[smhd]))+\s*$/.test(text);
  if (spans) {
    let ms = 0;
    for (const [, amount, unit] of text.matchAll(/([\d.]+)([a-zµ]+)/g)) ms += Number(amount) * UNITS[unit!]!;
    return ms;
  }
  // Other texts, such as `-5` or `1e3`, are dates for some parsers.
  return /^\s*(?:\d{4}-|[A-Za-z]{3,9},? \w)/.test(text) ? until(momentOf(text), headers, now) : undefined;
}

/** The moment of a date. The oldest of the three forms of HTTP's dates ends with the year, and names no zone: it means UTC. */
function momentOf(text: string): number {
  return Date.parse(/^\s*[A-Za-z]{3} .*\d{4}\s*$/.test(text) ? `${text} UTC` : text);
}

/** The time until a moment of the server's clock, which may differ from this machine's: the answer has a date. */
function until(moment: number, headers: Headers, now: number): number | undefined {
  const date = momentOf(headers.get("date") ?? "");
  const serverNow = Math.abs(date - now) < DAY_MS ? date : now;
  return Number.isNaN(moment) ? undefined : Math.max(0, moment - serverNow);
}

/** The milliseconds of `Retry-After`, or of `retry-after-ms`; undefined where there is none, or no time in it. */
export function retryAfterOf(headers: Headers, now: number): number | undefined {
  return (
    numberOf(headers.get("retry-after-ms")) || untilOf(headers.get("retry-after"), headers, now) || undefined
  );
}
