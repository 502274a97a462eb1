/** What tests drive besides Node: it may be absent. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "vitest";

const environment: { PATH?: string; LIMITSET_RUNTIMES?: string; LIMITSET_PROVE?: string } = process.env;
// Where scripts/install-runtimes.js puts those that come from the registry.
const installed = fileURLToPath(new URL("../.runtimes/node_modules/", import.meta.url));

/**
 * The path of a command; of `node-22`, say, another Node; or of a program of an installed package, `typescript-5.9/bin/tsc`.
 * Undefined if it is not there.
 */
export function find(command: string): string | undefined {
  const folders = [...(environment.PATH ?? "").split(delimiter), join(installed, ".bin")];
  const paths = folders.map((folder) => join(folder, command));
  return [...paths, join(installed, command, "bin", "node"), join(installed, command)].find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether long proofs run too: every cell of a matrix, and not only a few (`npm run prove`). */
export const proves: boolean = environment.LIMITSET_PROVE === "all";

/**
 * `test` for what needs these commands, which may be absent: it is then skipped, for that reason. After `npm run test:all`,
 * which installs them, it fails instead.
 */
export function testIn(...commands: readonly string[]): typeof test {
  const absent = commands.filter((command) => find(command) === undefined);
  if (absent.length === 0) return test;
  const reason = `${absent.join(" and ")} not installed`;
  if (environment.LIMITSET_RUNTIMES === "all") throw new Error(reason);
  console.warn(`skipped: ${reason} (npm run test:all installs what is missing)`);
  return test.skip as unknown as typeof test;
}
