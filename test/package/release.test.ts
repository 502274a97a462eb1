/** The check before a release, and the workflow that publishes. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { faultsOf } from "../../scripts/release-check.js";

const NEEDED = [
  "dist/index.js",
  "dist/index.cjs",
  "dist/index.d.ts",
  "dist/index.d.cts",
  "dist/worker/entry.js",
];
const READY = {
  manifest: { version: "1.2.3", repository: { url: "git+ssh://git@example/limitset.git" } },
  changelog: "# Changelog\n\n## Unreleased\n\n## 1.2.3\n\n### Added\n- A thing.\n",
  status: "",
  tags: ["v1.2.3"],
  files: [...NEEDED, "README.md", "docs/waiting.md"].map((path) => ({ path, size: 1 })),
  bytes: 1_000_000,
};

test("a release that is ready has no faults", () => {
  expect(faultsOf(READY)).toEqual([]);
  expect(faultsOf({ ...READY, tags: [] })).toEqual([]);
});

test.each([
  ["changes that are not committed", { status: " M src/index.ts" }, "working tree"],
  ["no section for the version", { changelog: "# Changelog\n\n## 1.2.2\n" }, '"## 1.2.3"'],
  ["changes beyond the version", { changelog: "\n## Unreleased\n- More.\n\n## 1.2.3\n" }, "unreleased"],
  ["another tag", { tags: ["v1.2.4"] }, "v1.2.4"],
  ["no repository", { manifest: { version: "1.2.3" } }, "repository"],
  ["a strange file", { files: [...READY.files, { path: "test/core.ts", size: 1 }] }, "test/core.ts"],
  ["no build", { files: [] }, "dist/index.cjs"],
  ["too many bytes", { bytes: 4_000_000 }, "4000000"],
])("%s is a fault", (_, change, named) => {
  const faults = faultsOf({ ...READY, ...change });
  expect(faults).toHaveLength(1);
  expect(faults[0]).toContain(named);
});

test("the workflow checks before it publishes, states the origin, and holds no token", () => {
  const text = readFileSync(new URL("../../.github/workflows/release.yml", import.meta.url), "utf8");
  expect(text).toMatch(/id-token: write/);
  expect(text).toMatch(/npm run release:check[\s\S]*npm publish --provenance/);
  expect(text).not.toMatch(/secrets\.|NODE_AUTH_TOKEN/);
});
