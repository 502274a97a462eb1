/** Surveys: figures that are not times of an operation, such as counts, bytes, delays and shares. Each subject measures its own. */

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {(quick: boolean) => Figures | Promise<Figures>} figures
 * @property {string} [against] the subject whose figure is 1.00 in the survey's ratio
 *
 * @typedef {Record<string, number | string>} Figures by column
 *
 * @typedef {object} Survey
 * @property {string} title
 * @property {string} work what is measured, in a line
 * @property {string[]} columns
 * @property {{ column: string, of: string }} [ratio] one more column: the figure divided by that of another subject
 * @property {Subject[]} subjects
 *
 * @typedef {{ title: string, work: string, columns: string[], figures: { name: string, figures: Figures }[] }} Findings
 */

/** @param {Survey} survey @param {RegExp} only @param {boolean} quick @returns {Promise<Findings | undefined>} */
export async function find({ title, work, columns, ratio, subjects }, only, quick) {
  const matching = subjects.filter(({ name }) => only.test(name));
  const chosen = only.test(title) ? subjects : matching;
  const needed = new Set(chosen.map(({ against }) => against));
  /** @type {Map<string, Figures>} */
  const found = new Map();
  for (const { name, figures } of subjects) {
    if (needed.has(name) || chosen.some((each) => each.name === name)) found.set(name, await figures(quick));
  }
  if (found.size === 0) return undefined;
  for (const { name, against } of subjects) {
    const figures = found.get(name);
    const base = against === undefined ? undefined : found.get(against);
    if (ratio && figures && base) {
      figures[ratio.column] = Number(figures[ratio.of]) / Number(base[ratio.of]);
    }
  }
  const all = ratio ? [...columns, ratio.column] : columns;
  return { title, work, columns: all, figures: [...found].map(([name, figures]) => ({ name, figures })) };
}
