/** Deadlocks with one's own caller, beyond the cases of the conformance suite. */
import { execFile } from "node:child_process";
import { setImmediate as nextTurn } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { type LimitError, LimitSet } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { resource } from "../conformance/tools.ts";
import { collect } from "../keeping.ts";

collect();
setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

const root = fileURLToPath(new URL("../..", import.meta.url));

test("a program that hangs in run within run has said why, without an onWarning", {
  timeout: 60_000,
}, async () => {
  const program = `
    import { LimitSet, ResourceLimit } from "./dist/index.js";
    const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
    await limits.run({ db: 1 }, () => limits.run({ db: 1 }, () => {}));
  `;
  const running = promisify(execFile)(process.execPath, ["--input-type=module", "-e", program], {
    cwd: root,
  });
  const { stderr } = await running.catch((error: { stderr: string }) => error);
  expect(stderr).toContain(
    '[ERR_DEADLOCK] DeadlockError: a request of 1 of "db" waits for the run() around it',
  );
});

test("a warning of another kind does not keep a deadlock from being reported", async () => {
  const said: string[] = [];
  const emit = process.emitWarning;
  process.emitWarning = (warning: string | Error) => void said.push((warning as LimitError).code);
  try {
    const limits = new LimitSet({
      limits: [resource("db", 1), resource("slots", 1)],
      clock: new ManualClock(),
    });
    await limits.run({ db: 1, slots: 0 }, () => {
      for (let times = 0; times < 2; times++) void limits.run({ db: 1, slots: 0 }, () => {});
    });
    (() => limits.tryAcquire({ db: 0, slots: 1 }))();
    while (said.length < 2) {
      gc();
      await nextTurn();
    }
  } finally {
    process.emitWarning = emit;
  }
  expect(said).toEqual(["ERR_DEADLOCK", "WARN_UNRELEASED_ACQUISITION"]);
});

test("bodies that each start the next one keep none of those before them", async () => {
  const limits = new LimitSet({ limits: [resource("db", 2)], clock: new ManualClock() });
  const refs: WeakRef<object>[] = [];
  await new Promise<void>((resolve) => {
    const next = () =>
      void limits.run({ db: 1 }, async (acquisition) => {
        refs.push(new WeakRef(acquisition));
        await nextTurn();
        if (refs.length < 200) next();
        else resolve();
      });
    next();
  });
  await nextTurn();
  gc();
  expect(refs.filter((ref) => ref.deref()).length).toBeLessThan(20);
});
