/** workerd, which may be absent. */
import { describe } from "vitest";
import { find } from "../installed.ts";

const environment: { LIMITSET_RUNTIMES?: string } = process.env;

/** `describe` for what needs workerd: skipped where it is not installed, but not where everything is to be. */
export function describeWorkerd(title: string, body: () => void): void {
  const isAbsent = find("workerd") === undefined;
  if (isAbsent && environment.LIMITSET_RUNTIMES === "all") throw new Error("workerd is not installed");
  if (isAbsent) console.warn("skipped: workerd is not installed (npm run test:all installs it)");
  describe.skipIf(isAbsent)(title, body);
}
