/** Tests in workerd, which need not be installed. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import { find } from "../installed.ts";

const environment: { LIMITSET_RUNTIMES?: string } = process.env;

/** `describe`, skipped where workerd is not installed. `npm run test:all` installs it, and fails without it. */
export function describeWorkerd(title: string, body: () => void): void {
  const isAbsent = find("workerd") === undefined;
  if (isAbsent && environment.LIMITSET_RUNTIMES === "all") throw new Error("workerd is not installed");
  if (isAbsent) console.warn("skipped: workerd is not installed (npm run test:all installs it)");
  describe.skipIf(isAbsent)(title, body);
}

/** A folder for the storage of objects, deleted after the tests. A storage in memory would end with its object. */
export function newStorage(): string {
  const folder = mkdtempSync(join(tmpdir(), "limitset-objects-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
