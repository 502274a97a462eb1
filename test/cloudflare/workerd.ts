/** workerd, which may be absent. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { find } from "../installed.ts";

const environment: { LIMITSET_RUNTIMES?: string } = process.env;

/** `describe` for what needs workerd: skipped where it is not installed, but not where everything is to be. */
export function describeWorkerd(title: string, body: () => void): void {
  const isAbsent = find("workerd") === undefined;
  if (isAbsent && environment.LIMITSET_RUNTIMES === "all") throw new Error("workerd is not installed");
  if (isAbsent) console.warn("skipped: workerd is not installed (npm run test:all installs it)");
  describe.skipIf(isAbsent)(title, body);
}

/** A folder for the storage of objects, gone after the tests. In memory it would end with the life of an object. */
export function newStorage(): string {
  const folder = mkdtempSync(join(tmpdir(), "limitset-objects-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
