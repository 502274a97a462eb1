import { ratio, spread } from "./measure.js";

/**
 * @typedef {import("./measure.js").Section} Section
 * @typedef {import("./measure.js").Times} Times
 * @typedef {import("./measure.js").Spread} Spread
 * @typedef {{ name: string, ns: Spread, ratios: Record<string, Spread>, note: string }} Row
 * @typedef {{ title: string, work: string, columns: string[], rows: Row[] }} Result
 */

/** @param {Section} section @param {Times} times @returns {Result} */
export function summarize({ title, work, columns, cases }, times) {
  const rows = cases
    .filter((each) => !each.hidden)
    .map((each) => {
      /** @type {Record<string, Spread>} */
      const ratios = {};
      for (const column of columns) {
        const base = cases.find(({ name }) => name === each.against?.[column]);
        if (base) ratios[column] = ratio(times, each, base);
      }
      const ns = spread(times.get(each) ?? []);
      return { name: each.name, ns, ratios, note: each.note?.(ns.median) ?? "" };
    });
  return { title, work, columns, rows };
}

/** @param {Result} result @returns {string} a table that Markdown understands too */
export function table({ title, work, columns, rows }) {
  const notes = rows.some(({ note }) => note !== "");
  const head = ["", ...columns, "ns", ...(notes ? [""] : [])];
  const body = rows.map(({ name, ns, ratios, note }) => [
    name,
    ...columns.map((column) => (ratios[column] ? times(ratios[column]) : "")),
    whole.format(ns.median),
    ...(notes ? [note] : []),
  ]);
  return `## ${title}\n${work}\n\n${grid(head, body)}\n`;
}

/** @param {import("./survey.js").Findings} findings */
export function findingsTable({ title, work, columns, figures }) {
  const body = figures.map(({ name, figures }) => [
    name,
    ...columns.map((column) => cell(figures[column], column.startsWith("x "))),
  ]);
  return `## ${title}\n${work}\n\n${grid(["", ...columns], body)}\n`;
}

/** @param {number | string | undefined} value @param {boolean} isRatio */
function cell(value, isRatio) {
  if (typeof value !== "number") return value ?? "";
  return isRatio || (value < 10 && !Number.isInteger(value)) ? value.toFixed(2) : whole.format(value);
}

/** @param {string[]} head @param {string[][]} body the first column is text, the others numbers */
export function grid(head, body) {
  const widths = head.map((_, i) => Math.max(3, ...[head, ...body].map((row) => (row[i] ?? "").length)));
  /** @param {string[]} cells */
  const line = (cells) =>
    `| ${cells.map((cell, i) => (i ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2))).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** @param {Spread} spread */
export function times({ low, median, high }) {
  return `${short(median)} (${short(low)}..${short(high)})`;
}

/** @param {number} value */
function short(value) {
  return value < 100 ? value.toFixed(2) : whole.format(value);
}
