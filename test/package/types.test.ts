/** The package's types in a user's project that has nothing else installed. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { appFolder, workFolder } from "./app.ts";

const PROGRAM = `
import { type Acquisition, CallLimit, LimitError, type Limits, LimitSet, RateLimit } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";
import { RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { Worker } from "limitset/worker";

const limits = new LimitSet({
  limits: [new RateLimit({ key: "tokens", capacity: 10, windowMs: 1000 }), new CallLimit({ capacity: 1, windowMs: 1 })],
  clock: new ManualClock(),
});
export const acquisition: Acquisition<"tokens" | "call_count"> = limits.tryAcquire({ tokens: 5 });
export const any: Limits<"tokens" | "call_count"> = limits;
// @ts-expect-error there is no such key
limits.tryAcquire({ tokns: 5 });
export const used: number = limits.stats().tokens.used;
export const code = (error: unknown) => (error instanceof LimitError ? error.code : undefined);
export const { port1, port2 } = new MessageChannel();
serveLimits(limits, port1);
export const remote = connectLimits(port2);
export { RedisLimitSet };
export class Adder extends Worker {
  add(a: number, b: number): number {
    return a + b;
  }
}
export const sum: Promise<number> = Adder.options({ mode: "sync", limits }).init().add(1, 2);
`;

const COMMON = {
  strict: true,
  noEmit: true,
  target: "ES2022",
  lib: ["ES2022", "DOM", "ESNext.Disposable"],
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  types: [],
};

test.each([
  ["nodenext", { module: "NodeNext", moduleResolution: "NodeNext" }],
  ["bundler", { module: "ESNext", moduleResolution: "Bundler" }],
  [
    "bundler, with wrangler's conditions",
    { module: "ESNext", moduleResolution: "Bundler", customConditions: ["workerd", "worker", "browser"] },
  ],
])("the types work with %s", { timeout: 60_000 }, async (_, options) => {
  const folder = await workFolder(await appFolder());
  await writeFile(join(folder, "program.ts"), PROGRAM);
  const config = { compilerOptions: { ...COMMON, ...options }, files: ["program.ts"] };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(config));
  const tsc = fileURLToPath(import.meta.resolve("typescript/bin/tsc"));
  const output = await promisify(execFile)(process.execPath, [tsc, "-p", folder]).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  );
  expect(output).toBe("");
});
