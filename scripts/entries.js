// The public entries, as the `exports` of package.json say them.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** @typedef {Readonly<Record<string, string | { readonly default: { readonly types: string } }>>} Exports */

/**
 * The sources of the public entries, by the names under which they are imported: `limitset/port` -> src/port/index.ts.
 *
 * @returns {ReadonlyMap<string, string>}
 */
export function publicEntries() {
  /** @type {{ name: string, exports: Exports }} */
  const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  /** @type {Map<string, string>} */
  const entries = new Map();
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === "string") continue;
    const source = target.default.types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts");
    entries.set(`${name}${subpath.slice(1)}`, `${root}${source}`);
  }
  return entries;
}
