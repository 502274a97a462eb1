/** The package as users get it, packed and installed, in every runtime. */
import { execFile } from "node:child_process";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { beforeAll, describe, expect, onTestFinished } from "vitest";
import { find, testIn } from "../installed.ts";
import { appFolder, workFolder } from "../package/app.ts";
import { argsOf, BROWSERS, visit } from "./runtimes.ts";
import { serve } from "./server.ts";
import { startWorkerd } from "./workerd.ts";

const PROGRAMS = [
  "blocked.js",
  "decisions.txt",
  "main-packaged.js",
  "packaged.js",
  "page-packaged.js",
  "replay.js",
  "worker-packaged.js",
];

let app: string;
let folder: string;
let recorded: string;

beforeAll(async () => {
  app = await appFolder();
  folder = await workFolder(app);
  for (const name of PROGRAMS) {
    await copyFile(fileURLToPath(new URL(name, import.meta.url)), join(folder, name));
  }
  recorded = await readFile(join(folder, "decisions.txt"), "utf8");
});

const SHARES = "object";
const CANNOT_SHARE = expect.stringMatching(/^ERR_CANNOT_SHARE .*limitset\/port/);

function expectSeen(seen: Record<string, unknown>, where: unknown, share: unknown): void {
  const { answers, ...others } = seen as { answers: string[] };
  expect(others).toEqual({
    where,
    atOnce: [true, false],
    waiting: 1,
    requested: { call_count: 1, db: 1 },
    used: [1, 1, 0],
    share,
  });
  for (const text of answers) expectSame(text);
}

/** Expects the decisions to be equal to the last byte. If they are not, shows the first that differs. */
function expectSame(text: string): void {
  const lines = recorded.split("\n");
  const differs = text.split("\n").findIndex((line, i) => line !== lines[i]);
  if (differs >= 0) expect(text.split("\n")[differs]).toBe(lines[differs]);
  expect(Buffer.from(text).equals(Buffer.from(recorded))).toBe(true);
}

describe.each([
  ["node", /^Node \d/],
  ["node-22", /^Node 22\./],
  ["node-24", /^Node 24\./],
  ["deno", /^Deno \d/],
  ["bun", /^Bun \d/],
])("%s", (command, where) => {
  testIn(command)("decides at once, waits, and decides as recorded", async () => {
    const { stdout } = await promisify(execFile)(
      find(command)!,
      [...argsOf(command), join(folder, "main-packaged.js")],
      { cwd: folder, maxBuffer: 2 ** 24 },
    );
    expectSeen(JSON.parse(stdout), expect.stringMatching(where), SHARES);
  });
});

describe("workerd", () => {
  const testHere = testIn("workerd");

  testHere.each([
    ["a recent compatibility date", {}],
    // The oldest that docs/runtimes.md promises: it has no FinalizationRegistry yet.
    ["the compatibility date 2024-10-14", { date: "2024-10-14" }],
  ])("with %s: decides at once, waits, and decides as recorded", async (_, options) => {
    const workerd = await startWorkerd(join(folder, "worker-packaged.js"), options);
    onTestFinished(() => workerd.kill());
    const response = await fetch(workerd.url, { method: "POST", body: recorded });
    expectSeen((await response.json()) as Record<string, unknown>, "workerd", CANNOT_SHARE);
  });

  testHere("a bundle that was made for another platform fails with an error that says so", async () => {
    const workerd = await startWorkerd(join(folder, "blocked.js"), { conditions: ["browser"] });
    onTestFinished(() => workerd.kill());
    expect(await (await fetch(workerd.url)).json()).toEqual({
      typed: true,
      code: "ERR_CORE_BLOCKED",
      message: expect.stringContaining('bundle with the condition "workerd"'),
      cause: expect.stringContaining("CompileError"),
    });
  });
});

/** A page with nothing but a program: bundled, or as it is, with an import map for the name of the package. */
async function pageOf(program: string, how: "bundled" | "raw"): Promise<string> {
  const name = `${how}-${basename(program, ".js")}`;
  const entry = (path: string) => `/node_modules/limitset/dist/${path}index.js`;
  const map = JSON.stringify({
    imports: {
      limitset: entry(""),
      "limitset/testing": entry("testing/"),
      "limitset/threads": entry("threads/"),
    },
  });
  if (how === "bundled") {
    const outfile = join(folder, `${name}.js`);
    await build({ entryPoints: [join(folder, program)], outfile, bundle: true, format: "esm", minify: true });
  }
  const importMap = how === "raw" ? `<script type="importmap">${map}</script>` : "";
  const source = how === "raw" ? program : `${name}.js`;
  const html = `<!doctype html><title>${name}</title>${importMap}<script type="module" src="${source}"></script>`;
  await writeFile(join(folder, `${name}.html`), html);
  return `work/${basename(folder)}/${name}.html`;
}

const BLOCKED = {
  typed: true,
  code: "ERR_CORE_BLOCKED",
  message: expect.stringContaining("script-src 'wasm-unsafe-eval'"),
  cause: expect.stringMatching(/CompileError|Content.Security.Policy/i),
};

describe.each(BROWSERS)("$name", ({ name, commands, launch, launchSharing }) => {
  const testHere = testIn(...commands);

  testHere.each([
    ["bundled", "isolated", true],
    ["raw", "not isolated", false],
  ] as const)("%s and %s: decides at once, waits, and decides as recorded", async (how, _, isolated) => {
    const path = await pageOf("page-packaged.js", how);
    const site = await serve(isolated, { folder: app });
    onTestFinished(site.close);
    const { seen } = await visit(isolated ? launchSharing : launch, `${site.url}/${path}`);
    expectSeen(seen, expect.stringMatching(new RegExp(`^${name} \\d`)), isolated ? SHARES : CANNOT_SHARE);
  });

  testHere.each([
    ["script-src 'self'", BLOCKED],
    ["script-src 'self' 'wasm-unsafe-eval'", { successful: true }],
  ])("under the policy %s", async (policy, expected) => {
    const path = await pageOf("blocked.js", "bundled");
    const site = await serve(false, { folder: app, policy: `default-src 'none'; ${policy}` });
    onTestFinished(site.close);
    const { seen } = await visit(launch, `${site.url}/${path}`);
    expect(seen).toEqual(expected);
  });
});
