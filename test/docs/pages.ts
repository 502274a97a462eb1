/** The pages of the repository: what a reader finds on GitHub and npm. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../", import.meta.url));

const AT_THE_DOOR = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

/** Made by `npm run docs`; the examples in it are those of the docstrings. */
export const REFERENCE = "docs/reference/";

const under = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md") && !name.includes("node_modules"))
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);

/** The pages' paths from the root. */
export function pages(): readonly string[] {
  const all = [...AT_THE_DOOR, ...under("docs"), ...under("examples"), ...under("bench")];
  return all.filter((page) => existsSync(join(root, page))).sort();
}

export function read(page: string): string {
  return readFileSync(join(root, page), "utf8");
}
