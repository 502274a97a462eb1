// Measures one section, in a process of its own. Engines compile a function for all that it has been called with before, and a
// program that limits tokens has not called it with everything that is compared here.
import process from "node:process";
import { measure } from "./measure.js";
import { find } from "./survey.js";
import { summarize } from "./table.js";

/** Each section is loaded only when it is measured, so that no section pays for the peers of another. @type {Record<string, () => Promise<() => Made | Promise<Made>>>} */
const SECTIONS = {
  oneLimit: async () => (await import("./cases/one-limit.js")).oneLimit,
  severalLimits: async () => (await import("./cases/several-limits.js")).severalLimits,
  algorithms: async () => (await import("./cases/algorithms.js")).algorithms,
  refused: async () => (await import("./cases/refused.js")).refused,
  awaited: async () => (await import("./cases/awaited.js")).awaited,
  awaitedSlots: async () => (await import("./cases/slots.js")).awaitedSlots,
  waiting: async () => (await import("./cases/waiting.js")).waiting,
  waitingLines: async () => (await import("./cases/waiting-lines.js")).waitingLines,
  refusedBehind: async () => (await import("./cases/waiting-lines.js")).refusedBehind,
  waitingPartitions: async () => (await import("./cases/waiting-partitions.js")).waitingPartitions,
  waitingCosts: async () => (await import("./cases/waiting-costs.js")).waitingCosts,
  wakeups: async () => (await import("./cases/wakeups.js")).wakeups,
  accuracy: async () => (await import("./cases/accuracy.js")).accuracy,
  memory: async () => (await import("./cases/memory.js")).memory,
  partitions: async () => (await import("./cases/partitions.js")).partitions,
  allocation: async () => (await import("./cases/allocation.js")).allocation,
  growth: async () => (await import("./cases/growth.js")).growth,
  coldStart: async () => (await import("./cases/cold-start.js")).coldStart,
  entries: async () => (await import("./cases/entries.js")).entries,
  threads: async () => (await import("./cases/threads.js")).threads,
  ports: async () => (await import("./cases/ports.js")).ports,
  fetches: async () => (await import("./cases/fetch.js")).fetches,
  streams: async () => (await import("./cases/fetch.js")).streams,
  https: async () => (await import("./cases/http.js")).https,
  attack: async () => (await import("./cases/attack.js")).attack,
  redis: async () => (await import("./cases/redis.js")).redis,
};
export const NAMES = Object.keys(SECTIONS);

/** @typedef {import("./measure.js").Section} Section */
/** @typedef {Section | import("./survey.js").Survey} Made */
/** @typedef {{ name: string, only: string, quick: boolean, effort: import("./measure.js").Options }} Order */
/** @typedef {{ result?: import("./table.js").Result, findings?: import("./survey.js").Findings, times: Record<string, number[]> }} Answer */

if (process.send) process.once("message", (order) => serve(/** @type {Order} */ (order)));

/** @param {Order} order */
async function serve({ name, only, quick, effort }) {
  const make = await SECTIONS[name]?.();
  if (!make) throw new Error(`there is no section ${name}`);
  const made = await make();
  const pattern = new RegExp(only, "i");
  /** @type {Answer} */
  const answer = { times: {} };
  if ("subjects" in made) {
    const findings = await find(made, pattern, quick);
    if (findings) answer.findings = findings;
  } else {
    const section = select(made, pattern);
    if (section.cases.length > 0) {
      const measured = await measure([section], effort);
      answer.result = summarize(section, measured);
      for (const [each, times] of measured) answer.times[each.name] = times;
    }
  }
  process.send?.(answer, () => process.exit());
}

/**
 * The cases whose names match, and the cases that they are compared with.
 *
 * @param {Section} section @param {RegExp} pattern
 */
function select(section, pattern) {
  if (pattern.test(section.title)) return section;
  const chosen = section.cases.filter(({ name, hidden }) => !hidden && pattern.test(name));
  const bases = new Set(chosen.flatMap(({ against = {} }) => Object.values(against)));
  return { ...section, cases: section.cases.filter((each) => chosen.includes(each) || bases.has(each.name)) };
}
