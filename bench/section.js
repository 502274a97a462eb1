// Measures one section, in a process of its own: what engines make of a function depends on all that it has been called
// with before, and a program that limits tokens has not called it with everything that is compared here.
import { judge } from "./bounds.js";
import { algorithms } from "./cases/algorithms.js";
import { awaited } from "./cases/awaited.js";
import { oneLimit } from "./cases/one-limit.js";
import { ports } from "./cases/ports.js";
import { refused } from "./cases/refused.js";
import { severalLimits } from "./cases/several-limits.js";
import { threads } from "./cases/threads.js";
import { measure } from "./measure.js";
import { summarize } from "./table.js";

const SECTIONS = { oneLimit, algorithms, severalLimits, refused, awaited, threads, ports };
export const NAMES = Object.keys(SECTIONS);

/** @typedef {{ name: string, only: string, effort: import("./measure.js").Options }} Order */

if (process.send) process.once("message", (order) => serve(/** @type {Order} */ (order)));

/** @param {Order} order */
async function serve({ name, only, effort }) {
  const make = SECTIONS[/** @type {keyof typeof SECTIONS} */ (name)];
  const section = select(await make(), new RegExp(only, "i"));
  const answer = { result: undefined, bounds: /** @type {ReturnType<typeof judge>} */ ([]) };
  if (section.cases.length > 0) {
    const measured = await measure([section], effort);
    Object.assign(answer, { result: summarize(section, measured), bounds: judge([section], measured) });
  }
  // Whatever threads the section has started wait for more work.
  process.send?.(answer, () => process.exit());
}

/**
 * What matches, and what that is compared with.
 * @param {import("./measure.js").Section} section @param {RegExp} pattern
 */
function select(section, pattern) {
  if (pattern.test(section.title)) return section;
  const chosen = section.cases.filter(({ name, hidden }) => !hidden && pattern.test(name));
  const bases = new Set(chosen.flatMap(({ against = {} }) => Object.values(against)));
  return { ...section, cases: section.cases.filter((each) => chosen.includes(each) || bases.has(each.name)) };
}
