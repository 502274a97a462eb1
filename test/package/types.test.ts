/** The package's types in a user's project that has nothing else installed. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { find, proves, testIn } from "../installed.ts";
import { appFolder, workFolder } from "./app.ts";

const PROGRAM = `
import { type Acquisition, CallLimit, LimitError, type Limits, LimitSet, RateLimit } from "limitset";
import { limitFetch, rateLimitHeaders } from "limitset/fetch";
import { type Guard, guard } from "limitset/http";
import { limitModel, openai } from "limitset/llm";
import { connectLimits, serveLimits } from "limitset/port";
import { RedisLimitSet } from "limitset/redis";
import { ManualClock } from "limitset/testing";
import { shareLimits } from "limitset/threads";
import { connectDurable } from "limitset/cloudflare";
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
export const limited: typeof fetch = limitFetch(limits, openai());
export const other = limitFetch(limits, {
  provider: rateLimitHeaders(),
  cost: async (request) => ({ tokens: (await request.text())?.length ?? 0 }),
  routes: { "api.example.com": remote, "localhost:8080": { limits, retry: 2 } },
});
// @ts-expect-error there is no such key
limitFetch(limits, { cost: () => ({ tokns: 5 }) });
export const protect: Guard = guard(limits, { cost: async () => ({ tokens: 2 }), tell: ["tokens"], proxies: 1 });
// @ts-expect-error there is no such key
guard(limits, { cost: () => ({ tokns: 5 }) });
export const served: (request: Request) => Promise<Response> = protect.handler(() => new Response("hello"));
export const model = limitModel(limits, { metrics: { input_tokens: "tokens" } });
export const { handle } = shareLimits(limits);
export { RedisLimitSet, connectDurable };
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
  lib: ["ES2022", "DOM"],
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  types: [],
};

/** Name -> the compiler's options, and the ending of a program that this way resolves as CommonJS. */
const RESOLUTIONS = {
  node10: { module: "CommonJS", moduleResolution: "node10" },
  node16: { module: "Node16", moduleResolution: "Node16" },
  nodenext: { module: "NodeNext", moduleResolution: "NodeNext" },
  bundler: { module: "ESNext", moduleResolution: "Bundler" },
  "bundler, with wrangler's conditions": {
    module: "ESNext",
    moduleResolution: "Bundler",
    customConditions: ["workerd", "worker", "browser"],
  },
} as const;

const COMPILERS = {
  "5.0": "typescript-5.0/bin/tsc",
  "5.9": "typescript-5.9/bin/tsc",
  6: fileURLToPath(import.meta.resolve("typescript/bin/tsc")),
  7: "typescript-7/bin/tsc",
} as const;

type Cell = readonly [
  version: keyof typeof COMPILERS,
  resolution: keyof typeof RESOLUTIONS,
  ending: "ts" | "cts",
];

/** Those that run each time: each version once, each resolution once, both kinds of module. */
const FEW: readonly Cell[] = [
  ["5.0", "node10", "ts"],
  ["5.9", "node16", "cts"],
  [6, "bundler", "ts"],
  [6, "bundler, with wrangler's conditions", "ts"],
  [7, "nodenext", "ts"],
];

const ALL: readonly Cell[] = (["5.0", "5.9", 6, 7] as const).flatMap((version) =>
  (Object.keys(RESOLUTIONS) as (keyof typeof RESOLUTIONS)[]).flatMap((resolution): Cell[] => {
    // TypeScript 7 has no node10 any more.
    if (version === 7 && resolution === "node10") return [];
    const isNodes = resolution === "node16" || resolution === "nodenext";
    return isNodes
      ? [
          [version, resolution, "ts"],
          [version, resolution, "cts"],
        ]
      : [[version, resolution, "ts"]];
  }),
);

describe.each(proves ? ALL : FEW)("TypeScript %s, %s, a program in .%s", (version, resolution, ending) => {
  const tsc = COMPILERS[version];
  const testHere = tsc.startsWith("/") ? test : testIn(tsc);

  testHere("compiles against the declarations, and checks these too", { timeout: 120_000 }, async () => {
    const folder = await workFolder(await appFolder());
    await writeFile(join(folder, `program.${ending}`), PROGRAM);
    // 6 says that node10 is to go.
    const ignored = version === 6 && resolution === "node10" ? { ignoreDeprecations: "6.0" } : {};
    const compilerOptions = { ...COMMON, ...RESOLUTIONS[resolution], ...ignored };
    await writeFile(
      join(folder, "tsconfig.json"),
      JSON.stringify({ compilerOptions, files: [`program.${ending}`] }),
    );
    const args = [tsc.startsWith("/") ? tsc : find(tsc)!, "-p", folder];
    const output = await promisify(execFile)(process.execPath, args).then(
      ({ stdout }) => stdout,
      (error: { stdout: string }) => error.stdout,
    );
    expect(output).toBe("");
  });
});
