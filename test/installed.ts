/** What tests drive besides Node: it may be absent. */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";

const environment: { PATH?: string; LIMITSET_RUNTIMES?: string } = process.env;
// Where scripts/install-runtimes.js puts those that come from the registry.
const installed = fileURLToPath(new URL("../.runtimes/node_modules/.bin", import.meta.url));

/** The path of a command; undefined if it is not there. */
export function find(command: string): string | undefined {
  const folders = [...(environment.PATH ?? "").split(delimiter), installed];
  return folders.map((folder) => join(folder, command)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * `test` for a runtime that may be absent: it is then skipped, for that reason. After `npm run test:all`, which installs
 * them, it fails instead.
 */
export function testIn(command: string): typeof test {
  const absent = find(command) === undefined;
  if (absent && environment.LIMITSET_RUNTIMES === "all") throw new Error(`${command} is not installed`);
  if (absent) console.warn(`skipped: ${command} is not installed (npm run test:all installs it)`);
  return test.skipIf(absent) as unknown as typeof test;
}
