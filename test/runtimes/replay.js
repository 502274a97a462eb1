/** Repeats recorded decisions, and writes its own in the same format, which record.ts describes. */
import { LimitSet } from "limitset";
import { ManualClock } from "limitset/testing";

/** @param {string} recorded @param {boolean} shared */
export async function replay(recorded, shared) {
  /** @type {string[]} */
  const lines = [];
  const clock = new ManualClock();
  let limits = new LimitSet();
  /** @type {import("limitset").Acquisition[]} */
  let granted = [];
  /** @param {import("limitset").Acquisition} acquisition */
  const show = (acquisition) => {
    const { successful, requested, retryAfterMs, limitedBy } = acquisition;
    if (!successful) return `${retryAfterMs} ${limitedBy.join(" ")}`;
    granted.push(acquisition);
    return `#${granted.length - 1} ${JSON.stringify(requested)}`;
  };

  /** @type {Record<string, (subject: number, rest: string) => unknown>} */
  const operations = {
    set: (ms, rest) => {
      limits.close();
      clock.set(ms);
      limits = /** @type {LimitSet<never>} */ (new LimitSet({ limits: JSON.parse(rest), clock, shared }));
      granted = [];
    },
    at: (ms) => clock.set(ms),
    try: (_, rest) => show(limits.tryAcquire(JSON.parse(rest))),
    in: async (number, rest) => {
      const nested = await granted[number]?.acquire(JSON.parse(rest), { timeoutMs: 0 });
      return show(/** @type {import("limitset").Acquisition} */ (nested));
    },
    use: (number, rest) => granted[number]?.update(JSON.parse(rest)),
    end: (number) => granted[number]?.release(),
    stats: () => {
      /** @type {import("limitset").LimitStats[]} */
      const all = Object.values(limits.stats());
      return all
        .map(({ used, available, retryAfterMs }) => `${used} ${available} ${retryAfterMs}`)
        .join(", ");
    },
  };

  for (const line of recorded.split("\n")) {
    const [operation = "", expected] = line.split(" => ");
    const [, name = "", subject, rest = ""] = /^(\w*) ?(-?[\d.]+(?: |$))?(.*)$/.exec(operation) ?? [];
    let answer = "done";
    try {
      const result = await operations[name]?.(Number(subject), rest);
      if (result !== undefined) answer = String(result);
    } catch (error) {
      answer = /** @type {import("limitset").LimitError} */ (error).code;
      if (answer === undefined) throw error;
    }
    lines.push(expected === undefined ? operation : `${operation} => ${answer}`);
  }
  limits.close();
  return lines.join("\n");
}
