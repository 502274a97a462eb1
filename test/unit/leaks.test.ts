import { setImmediate as nextTurn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, describe, expect, test, vi } from "vitest";
import { LimitError, LimitSet, UnreleasedAcquisitionWarning } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";
import { collect } from "../keeping.ts";

collect();
setFlagsFromString("--expose-gc");
const gc: () => void = runInNewContext("gc");

/** Lets the engine collect and report, until `done`. The test's own timeout ends it otherwise. */
async function collectUntil(done: () => boolean): Promise<void> {
  while (!done()) {
    gc();
    await nextTurn();
  }
}

async function collectForLong(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    gc();
    await nextTurn();
  }
}

afterEach(() => {
  vi.restoreAllMocks();
});

function make(onWarning?: (warning: LimitError) => void) {
  return new LimitSet({
    limits: [resource("db", 3), rate("tokens", 100, 60_000), calls(50, 60_000)],
    clock: new ManualClock(),
    ...(onWarning && { onWarning }),
  });
}

/** A function of its own, since the frame of the test may keep the objects that it has seen. */
function drop(limits: ReturnType<typeof make>, db: number): void {
  if (!limits.tryAcquire({ db, tokens: 10 }).successful) throw new Error("no room");
}

describe("an acquisition that is dropped without a release", () => {
  test("gives back its resources, is charged in full, and is reported once", async () => {
    const warnings: LimitError[] = [];
    const limits = make((warning) => warnings.push(warning));
    drop(limits, 2);
    expect(limits.stats()).toMatchObject({ db: { used: 2 }, tokens: { used: 10 }, call_count: { used: 1 } });
    await collectUntil(() => limits.stats().db.used === 0);
    expect(limits.stats()).toMatchObject({ tokens: { used: 10 }, call_count: { used: 1 } });
    await collectForLong();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toBeInstanceOf(UnreleasedAcquisitionWarning);
    expect(warnings[0]).toBeInstanceOf(LimitError);
    expect(warnings[0]).toMatchObject({
      code: "WARN_UNRELEASED_ACQUISITION",
      requested: { db: 2, tokens: 10, call_count: 1 },
    });
    expect(warnings[0]!.message).toContain('2 of "db"');
  });

  test("lets waiters be served", async () => {
    const limits = make(() => {});
    drop(limits, 3);
    const waiter = limits.acquire({ db: 1, tokens: 0 });
    let granted = false;
    waiter.then(() => {
      granted = true;
    });
    await collectUntil(() => granted);
    (await waiter).release();
  });

  test("leaves the holdings of others alone, and each one is reported", async () => {
    const warnings: LimitError[] = [];
    const limits = make((warning) => warnings.push(warning));
    const held = limits.tryAcquire({ db: 1, tokens: 0 });
    drop(limits, 1);
    drop(limits, 1);
    await collectUntil(() => limits.stats().db.used === 1);
    expect(warnings).toHaveLength(2);
    held.release();
    expect(limits.stats().db.used).toBe(0);
  });

  test("is reported by the process, for the first of a set, if there is no onWarning", async () => {
    const emitWarning = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
    const limits = make();
    drop(limits, 1);
    await collectUntil(() => limits.stats().db.used === 0);
    drop(limits, 1);
    await collectUntil(() => limits.stats().db.used === 0);
    expect(emitWarning).toHaveBeenCalledTimes(1);
    expect(emitWarning.mock.calls[0]![0]).toBeInstanceOf(UnreleasedAcquisitionWarning);
  });

  test("is reported as what it has taken, and gives back its resources, after the set was redefined", async () => {
    const warnings: LimitError[] = [];
    const limits = make((warning) => warnings.push(warning));
    drop(limits, 2);
    limits.redefine([rate("tokens", 200, 60_000), resource("db", 5)]);
    drop(limits, 1);
    limits.redefine([resource("db", 4), rate("tokens", 300, 60_000), resource("more", 1)]);
    expect(limits.stats()).toMatchObject({ db: { used: 3 }, tokens: { used: 20 } });
    await collectUntil(() => limits.stats().db.used === 0);
    expect(limits.stats()).toMatchObject({ db: { used: 0 }, tokens: { used: 20 } });
    await collectForLong();
    const requested = warnings.map((warning) => (warning as UnreleasedAcquisitionWarning).requested);
    expect(requested).toHaveLength(2);
    expect(requested).toContainEqual({ db: 2, tokens: 10, call_count: 1 });
    expect(requested).toContainEqual({ db: 1, tokens: 10 });
  });

  test("gives back nothing of a resource that was dropped, and added again under its name", async () => {
    const onWarning = vi.fn();
    const limits = make(onWarning);
    drop(limits, 3);
    limits.redefine([rate("tokens", 100, 60_000)]);
    limits.redefine([rate("tokens", 100, 60_000), resource("db", 3)]);
    drop(limits, 1);
    await collectUntil(() => onWarning.mock.calls.length === 2);
    expect(limits.stats().db.used).toBe(0);
    expect(limits.tryAcquire({ db: 3, tokens: 0 }).successful).toBe(true);
    expect(limits.tryAcquire({ db: 1, tokens: 0 }).successful).toBe(false);
  });

  test("is not reported where it was released, in whatever era", async () => {
    const onWarning = vi.fn();
    const limits = make(onWarning);
    for (let i = 0; i < 20; i++) {
      const held = limits.tryAcquire({ db: 1, tokens: 0 });
      limits.redefine((current) => current);
      held.release();
    }
    await collectForLong();
    expect(onWarning).not.toHaveBeenCalled();
    expect(limits.stats().db.used).toBe(0);
  });

  test("is not reported where it held no resource, or the set is closed", async () => {
    const onWarning = vi.fn();
    const limits = make(onWarning);
    drop(limits, 0);
    await collectForLong();
    expect(limits.stats()).toMatchObject({ tokens: { used: 10 } });
    drop(limits, 1);
    limits.close();
    await collectForLong();
    expect(onWarning).not.toHaveBeenCalled();
  });
});

test("acquisitions that are released are never reported, though their markers are used again", async () => {
  const onWarning = vi.fn();
  const limits = make(onWarning);
  for (let i = 0; i < 3000; i++) limits.tryAcquire({ db: 1, tokens: 0, call_count: 0 }).release();
  const held = [1, 2, 3].map(() => limits.tryAcquire({ db: 1, tokens: 0, call_count: 0 }));
  held[1]!.release();
  held[1]!.release();
  await collectForLong();
  expect(limits.stats().db.used).toBe(2);
  expect(onWarning).not.toHaveBeenCalled();
  drop(limits, 1);
  await collectUntil(() => limits.stats().db.used === 2);
  expect(onWarning).toHaveBeenCalledTimes(1);
  expect(held.map(({ successful }) => successful)).toEqual([true, true, true]);
});
