/** The package in the test frameworks that people use, with their default settings. */
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { find, testIn } from "../installed.ts";
import { appFolder, workFolder } from "./app.ts";

/** The tests that a user might write. They run in each framework. */
const stepsWith = (fake: string) => `
test("takes, refuses, waits and tells errors apart", async () => {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
  const held = await limits.acquire();
  const waiter = limits.acquire();
  expect(limits.tryAcquire().successful).toBe(false);
  held.release();
  (await waiter).release();
  await expect(limits.acquire({ db: 7 })).rejects.toBeInstanceOf(InvalidRequestError);
  await expect(limits.acquire({ db: 7 })).rejects.toMatchObject({ name: "InvalidRequestError" });
});

test("a ManualClock moves by hand", async () => {
  const clock = new ManualClock();
  const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 1000 })], clock });
  limits.tryAcquire();
  const waiter = limits.acquire();
  await clock.advanceAsync(1000);
  expect((await waiter).successful).toBe(true);
});

test("the framework's fake timers move time", async () => {
  ${fake}.useFakeTimers();
  try {
    const limits = new LimitSet({ limits: [new CallLimit({ capacity: 1, windowMs: 60_000 })] });
    limits.tryAcquire();
    const waiter = limits.acquire();
    // The waiter goes first, a minute from now.
    expect(limits.tryAcquire().retryAfterMs).toBe(120_000);
    await ${fake}.advanceTimersByTimeAsync(59_999);
    expect(limits.waiting).toBe(1);
    await ${fake}.advanceTimersByTimeAsync(2);
    expect((await waiter).successful).toBe(true);
  } finally {
    ${fake}.useRealTimers();
  }
});

test("a class runs on a worker", async () => {
  class Doubler extends Worker {
    double(value) { return 2 * value; }
  }
  const pool = Doubler.options({}).init();
  expect(await pool.double(21)).toBe(42);
  await pool.stop();
});
`;

const NAMES = {
  limitset: "CallLimit, InvalidRequestError, LimitSet, ResourceLimit",
  "limitset/testing": "ManualClock",
  "limitset/worker": "Worker",
};
const required = Object.entries(NAMES)
  .map(([name, names]) => `const { ${names} } = require("${name}");`)
  .join("\n");
const imported = Object.entries(NAMES)
  .map(([name, names]) => `import { ${names} } from "${name}";`)
  .join("\n");

interface Setting {
  readonly program: string;
  readonly text: string;
  /** The configuration besides the defaults, in which \`installed\` is the folder of Jest's own packages. */
  readonly config?: (installed: string) => object;
  readonly flags?: readonly string[];
}

const JEST: Readonly<Record<string, Setting>> = {
  CommonJS: { program: "one.test.js", text: `${required}\n${stepsWith("jest")}` },
  "CommonJS, in jsdom": {
    program: "one.test.js",
    text: `${required}\ntest("has a document", () => expect(typeof document).toBe("object"));\n${stepsWith("jest")}`,
    config: (installed) => ({ testEnvironment: join(installed, "jest-environment-jsdom") }),
  },
  "ts-jest": {
    program: "one.test.ts",
    text: `${imported}\n${stepsWith("jest").replace("double(value)", "double(value: number)")}`,
    config: (installed) => ({
      transform: {
        "\\.ts$": [
          join(installed, "ts-jest"),
          { diagnostics: false, tsconfig: { module: "CommonJS", target: "ES2022" } },
        ],
      },
    }),
  },
  "ES modules": {
    program: "one.test.mjs",
    text: `import { jest } from "@jest/globals";\n${imported}\n${stepsWith("jest")}`,
    config: () => ({ testMatch: ["**/*.test.mjs"], transform: {} }),
    flags: ["--experimental-vm-modules"],
  },
};

describe("Jest", () => {
  const testHere = testIn("jest/bin/jest.js");

  testHere.each(Object.entries(JEST))(
    "%s",
    { timeout: 120_000 },
    async (_, { program, text, config, flags = [] }) => {
      const jest = find("jest/bin/jest.js")!;
      const installed = dirname(dirname(dirname(jest)));
      const folder = await workFolder(await appFolder());
      await writeFile(join(folder, program), text);
      await writeFile(join(folder, "package.json"), '{ "name": "tested", "private": true }');
      await writeFile(join(folder, "jest.config.json"), JSON.stringify(config?.(installed) ?? {}));
      const { stderr } = await promisify(execFile)(
        process.execPath,
        [...flags, jest, "--config", join(folder, "jest.config.json")],
        { cwd: folder },
      );
      expect(stderr).toMatch(/Tests: +[45] passed, [45] total/);
    },
  );
});

test("Vitest", { timeout: 60_000 }, async () => {
  const folder = await workFolder(await appFolder());
  const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");
  await writeFile(
    join(folder, "one.test.js"),
    `import { expect, test, vi } from "vitest";\n${imported}\n${stepsWith("vi")}`,
  );
  await mkdir(join(folder, "node_modules"), { recursive: true });
  const { stdout } = await promisify(execFile)(process.execPath, [vitest, "run", "--root", folder], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    env: { ...process.env, NO_COLOR: "1" },
  });
  expect(stdout).toMatch(/Tests +4 passed/);
});
