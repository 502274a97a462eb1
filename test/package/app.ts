/** The package as its users get it: packed, and installed into a project that has nothing else. */
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
 * A folder whose `node_modules` has the package and nothing else. It is made once for each build, since several test files use it
 * at the same time.
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
    // Another test file has made it in the meantime.
    if (!existsSync(folder)) throw error;
    await rm(making, { recursive: true });
  });
  return folder;
}

/** A new folder in the app, for the files of one test. */
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

/** The files in a folder, or the file itself. Empty if `path` does not exist. */
function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" }).sort();
  return names.map((name) => join(path, name)).filter((each) => statSync(each).isFile());
}

/** Removes the folders of earlier builds. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir())) {
    const path = join(tmpdir(), name);
    if (name.startsWith(PREFIX) && Date.now() - statSync(path).mtimeMs > HOUR_MS) {
      await rm(path, { recursive: true, force: true });
    }
  }
}
