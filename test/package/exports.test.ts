/** The contents of the package: all paths exist, and nothing is in it that should not be. */
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { beforeAll, expect, test } from "vitest";
import { appFolder } from "./app.ts";

type Targets = string | null | { readonly [condition: string]: Targets };

interface Manifest {
  readonly exports: Readonly<Record<string, Targets>>;
  readonly imports?: Readonly<Record<string, Targets>>;
  readonly dependencies?: unknown;
  readonly peerDependencies?: unknown;
  readonly optionalDependencies?: unknown;
}

let app: string;
let folder: string;
let manifest: Manifest;

beforeAll(async () => {
  app = await appFolder();
  folder = join(app, "node_modules", "limitset");
  manifest = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
});

/** The paths under a target, with the conditions that lead there. */
function pathsOf(targets: Targets, conditions: readonly string[] = []): [string, readonly string[]][] {
  if (targets === null) return [];
  if (typeof targets === "string") return [[targets, conditions]];
  return Object.entries(targets).flatMap(([condition, target]) =>
    pathsOf(target, [...conditions, condition]),
  );
}

test("every path in exports and imports exists", () => {
  const all = Object.values({ ...manifest.exports, ...manifest.imports }).flatMap((each) => pathsOf(each));
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter(([path]) => !existsSync(join(folder, path)))).toEqual([]);
});

test("in exports, types come first and default last, so that every resolver finds them", () => {
  const [, ...others] = Object.entries(manifest.exports).reverse();
  for (const [name, targets] of others) {
    const conditions = Object.keys(targets as object);
    expect([name, conditions[0], conditions.at(-1)]).toEqual([name, "types", "default"]);
  }
});

test("every relative import of every file leads to a file", async () => {
  const broken: string[] = [];
  for (const name of readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const path = join(folder, "dist", name);
    const text = await readFile(path, "utf8");
    for (const [, specifier = ""] of text.matchAll(/\b(?:from|import) ?\(?"(\.{1,2}\/[^"]+)"/g)) {
      const target = fileURLToPath(new URL(specifier, `file://${path}`));
      if (!existsSync(target)) broken.push(`${name}: ${specifier}`);
    }
  }
  expect(broken).toEqual([]);
});

test("the tarball has the build, the pages and the examples: no dependencies, no sources, no pictures", () => {
  expect(manifest.dependencies ?? {}).toEqual({});
  expect(manifest.peerDependencies ?? {}).toEqual({});
  expect(manifest.optionalDependencies ?? {}).toEqual({});
  expect(readdirSync(join(app, "node_modules")).filter((name) => !name.startsWith("."))).toEqual([
    "limitset",
  ]);
  expect(readdirSync(folder).sort()).toEqual([
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "bench",
    "dist",
    "docs",
    "examples",
    "package.json",
  ]);
  const pages = ["bench", "docs", "examples"].flatMap((name) =>
    readdirSync(join(folder, name), { recursive: true, encoding: "utf8" }),
  );
  expect(
    pages.filter((name) => /node_modules|\.wrangler|\.(?:png|jpe?g|gif|svg|trail|tgz)$/.test(name)),
  ).toEqual([]);
});

test("Node's modules are imported with node:, as other runtimes and bundlers need it", async () => {
  const bare = new RegExp(`^import .* from "(${builtinModules.join("|")})"`, "m");
  const found: string[] = [];
  for (const name of readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" })) {
    if (name.endsWith(".js") && bare.test(await readFile(join(folder, "dist", name), "utf8")))
      found.push(name);
  }
  expect(found).toEqual([]);
});

test("publint finds nothing", async () => {
  const { messages } = await publint({ pkgDir: folder, strict: true, pack: false });
  expect(messages).toEqual([]);
});

test("arethetypeswrong finds nothing", { timeout: 60_000 }, async () => {
  const attw = fileURLToPath(import.meta.resolve("@arethetypeswrong/cli/package.json"));
  const program = join(attw, "..", JSON.parse(await readFile(attw, "utf8")).bin.attw);
  const tarball = readdirSync(app).find((name) => name.endsWith(".tgz"))!;
  const args = [program, join(app, tarball), "--profile", "esm-only", "--format", "json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const { problems } = JSON.parse(stdout) as { problems: Record<string, { resolutionKind?: string }[]> };
  // The package has no CommonJS (`require` loads it as an ES module), and nothing for Node 10.
  const meant = (kind: string | undefined) => kind !== "node10" && kind !== "node16-cjs";
  expect(
    Object.values(problems)
      .flat()
      .filter(({ resolutionKind }) => meant(resolutionKind)),
  ).toEqual([]);
});

test("require() loads the package", async () => {
  const program = `const { LimitSet } = require("limitset"); console.log(new LimitSet().tryAcquire().successful)`;
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", program], { cwd: app });
  expect(stdout).toBe("true\n");
});
