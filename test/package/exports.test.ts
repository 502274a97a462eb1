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

test("in exports, each condition has its types first, and the default is last, so that every resolver finds them", () => {
  const [, ...others] = Object.entries(manifest.exports).reverse();
  expect(others.length).toBeGreaterThan(6);
  for (const [, targets] of others) {
    expect(Object.keys(targets as object)).toEqual(["workerd", "require", "default"]);
    for (const each of Object.values(targets as object)) {
      expect(Object.keys(each)).toEqual(["types", "default"]);
    }
  }
});

test("every relative import of every file leads to a file", async () => {
  const broken: string[] = [];
  for (const name of readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" })) {
    if (!/\.(js|cjs|d\.c?ts)$/.test(name)) continue;
    const path = join(folder, "dist", name);
    const text = await readFile(path, "utf8");
    for (const [, specifier = ""] of text.matchAll(
      /\b(?:from|import|require) ?\(?["'`](\.{1,2}\/[^"'`]+)["'`]/g,
    )) {
      // Declarations import declarations, by the names of the programs beside which they stand.
      const named = /\.d\.c?ts$/.test(name) ? specifier.replace(/\.(c?)js$/, ".d.$1ts") : specifier;
      const target = fileURLToPath(new URL(named, `file://${path}`));
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
  const bare = new RegExp(`\\b(from|import|require) ?\\(?["'\`](${builtinModules.join("|")})["'\`]`);
  const found: string[] = [];
  for (const name of readdirSync(join(folder, "dist"), { recursive: true, encoding: "utf8" })) {
    if (/\.c?js$/.test(name) && bare.test(await readFile(join(folder, "dist", name), "utf8")))
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
  const args = [program, join(app, tarball), "--format", "json"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26 });
  const { problems } = JSON.parse(stdout) as { problems: Record<string, unknown[]> };
  expect(Object.values(problems).flat()).toEqual([]);
});
