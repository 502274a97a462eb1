// Checks what has to hold before a version is published, besides all tests: `npm run release:check` runs both. Prints what is missing.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));

/** @param {string} command @param {...string} args */
const run = (command, ...args) => execFileSync(command, args, { cwd: root, encoding: "utf8" });

/**
 * @typedef {object} Release
 * @property {{ version: string, repository?: { url?: string } | string, dependencies?: object }} manifest of package.json
 * @property {string} changelog
 * @property {string} status of the working tree: what `git status` lists
 * @property {readonly string[]} tags of the commit
 * @property {readonly { path: string, size: number }[]} files of the tarball
 * @property {number} bytes of the tarball, unpacked
 */

// The three builds take 2.2 MB, the declarations of two kinds 0.7, the pages and the examples 0.7; packed, all take 1.0 MB. A folder
// that does not belong there would most likely pass this.
const MOST_BYTES = 3_700_000;
const BELONGS =
  /^(dist|docs|examples|bench)\/|^(CHANGELOG|CONTRIBUTING|README|SECURITY)\.md$|^LICENSE$|^package\.json$/;
const NEEDED = [
  "dist/index.js",
  "dist/index.cjs",
  "dist/index.d.ts",
  "dist/index.d.cts",
  "dist/worker/entry.js",
];

/**
 * What is missing or wrong, in words.
 *
 * @param {Release} release
 * @returns {string[]}
 */
export function faultsOf({ manifest, changelog, status, tags, files, bytes }) {
  const { version, repository, dependencies = {} } = manifest;
  const paths = files.map(({ path }) => path);
  const strange = paths.filter((path) => !BELONGS.test(path) || /\.(map|tgz|trail|ts\.snap)$/.test(path));
  const missing = NEEDED.filter((path) => !paths.includes(path));
  const unreleased = /^## Unreleased\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(changelog)?.[1]?.trim() ?? "";
  /** @type {[isWrong: boolean, text: string][]} */
  const checks = [
    [status !== "", `the working tree has changes: commit them\n${status}`],
    [
      !changelog.includes(`\n## ${version}`),
      `CHANGELOG.md has no section "## ${version}": name what is unreleased so`,
    ],
    [unreleased !== "", "CHANGELOG.md has unreleased changes: they belong to this version"],
    [
      tags.length > 0 && !tags.includes(`v${version}`),
      `the commit has the tags ${tags}, and package.json the version ${version}`,
    ],
    [
      repository === undefined,
      "package.json names no `repository`: provenance needs it, and the links of README open by it",
    ],
    [Object.keys(dependencies).length > 0, "package.json has dependencies: the package has none"],
    [strange.length > 0, `the tarball has what does not belong there: ${strange.join(", ")}`],
    [missing.length > 0, `the tarball lacks ${missing.join(", ")}: build first`],
    [bytes > MOST_BYTES, `the tarball has ${bytes} bytes, unpacked: ${MOST_BYTES} at most`],
  ];
  return checks.filter(([isWrong]) => isWrong).map(([, text]) => text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [packed] = JSON.parse(run("npm", "pack", "--dry-run", "--json", "--ignore-scripts"));
  const faults = faultsOf({
    manifest: JSON.parse(readFileSync(`${root}package.json`, "utf8")),
    changelog: readFileSync(`${root}CHANGELOG.md`, "utf8"),
    status: run("git", "status", "--porcelain").trim(),
    tags: run("git", "tag", "--points-at", "HEAD").split("\n").filter(Boolean),
    files: packed.files,
    bytes: packed.unpackedSize,
  });
  for (const fault of faults) console.error(`- ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else console.log("ready to be published");
}
