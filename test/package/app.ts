/** The package as its users have it: packed, and installed into a project that has nothing else. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../", import.meta.url));
const PREFIX = "limitset-app-";
const HOUR_MS = 3_600_000;

/**
 * A folder in whose `node_modules` the package is, and nothing that it does not depend on. Several test files ask for it at
 * once, and the next run again: it is made once for each build.
 */
export async function appFolder(): Promise<string> {
  const folder = join(tmpdir(), `${PREFIX}${digestOfBuild()}`);
  if (existsSync(folder)) return folder;
  await sweep();
  const making = await mkdtemp(join(tmpdir(), `${PREFIX}making-`));
  await writeFile(join(making, "package.json"), '{ "name": "app", "private": true, "type": "module" }\n');
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--pack-destination", making], {
    cwd: root,
  });
  const tarball = join(making, stdout.trim().split("\n").at(-1)!);
  await run("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball], { cwd: making });
  await rename(making, folder).catch(async (error) => {
    // Another test file was faster.
    if (!existsSync(folder)) throw error;
    await rm(making, { recursive: true });
  });
  return folder;
}

/** A folder of one's own in the app, for what a test writes there. */
export async function workFolder(app: string): Promise<string> {
  await mkdir(join(app, "work"), { recursive: true });
  return mkdtemp(join(app, "work", "test-"));
}

function digestOfBuild(): string {
  const manifest = readFileSync(join(root, "package.json"), "utf8");
  const hash = createHash("sha256").update(manifest);
  for (const name of (JSON.parse(manifest) as { files: string[] }).files) {
    for (const path of filesOf(join(root, name))) hash.update(path).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 16);
}

/** The files in a folder; a file itself; nothing of what is not there. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => join(path, name)).filter((each) => statSync(each).isFile());
}

/** Removes what earlier builds have left. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name);
    if (name.startsWith(PREFIX) && Date.now() - statSync(path).mtimeMs > HOUR_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
