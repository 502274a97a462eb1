/** A partition that a waiter of any thread waits for keeps its place, though it has recovered: two participants, by hand; and threads that end. */
import { CallLimit, LimitSet, RateLimit, ResourceLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import { attachLimits, shareLimits } from "limitset/threads";
import { expect, onTestFinished, test } from "vitest";
import { Peer, until } from "./peer.ts";

type Set = LimitSet<string, string, "user">;
const slots = new ResourceLimit({ key: "slots", capacity: 1 });
const each = new CallLimit({ key: "each", capacity: 1, windowMs: 1000, per: "user" });
const settled = () => new Promise((resolve) => setTimeout(resolve, 5));

function open(max: number, limits: readonly object[] = [slots, each], whenFull = "refuse") {
  const clock = new ManualClock();
  const options = { limits, clock, missingUpdate: "charge", partitions: { user: { max, whenFull } } };
  const set = new LimitSet(options as never) as Set;
  const close = (each: Set) => onTestFinished(() => each.close());
  close(set);
  const attach = () => {
    const other = attachLimits(shareLimits(set).handle, { clock }) as Set;
    close(other);
    return other;
  };
  return { set, clock, attach };
}

/** Waits as a user, until it is aborted; notes its name when it is granted. */
function wait(set: Set, user: string, names: string[] = [], requested?: Record<string, number>) {
  const controller = new AbortController();
  const given = set.for({ user }).acquire(requested, { signal: controller.signal });
  given
    .then((acquisition) => {
      names.push(user);
      acquisition.release();
    })
    .catch(() => {});
  return () => controller.abort();
}

const canCome = (set: Set, user = "new") => set.for({ user }).tryAcquire({ slots: 0 }).successful;

test("a partition that is waited for keeps its place, whichever participant waits and whichever brings a new name", async () => {
  const { set, attach } = open(1);
  const other = attach();
  for (const [one, two] of [
    [set, other],
    [other, set],
  ] as const) {
    const names: string[] = [];
    const held = set.for({ user: null }).tryAcquire();
    wait(one, "a", names);
    expect(canCome(two)).toBe(false);
    expect(set.partitions.user.count).toBe(1);
    held.release();
    await settled();
    expect(names).toEqual(["a"]);
    (set as never as LimitSet).reset();
  }
});

test("a name that shares because a waiter keeps its place takes nothing of the waiter's", async () => {
  const { set, attach } = open(1, [slots, each], "share");
  const other = attach();
  const held = set.for({ user: null }).tryAcquire();
  const names: string[] = [];
  wait(other, "a", names);
  expect(canCome(set, "b")).toBe(true);
  expect(canCome(set, "c")).toBe(false);
  held.release();
  await settled();
  expect(names).toEqual(["a"]);
});

test("a partition makes room again once no participant waits for it any more", async () => {
  const { set, attach } = open(1);
  const other = attach();
  set.for({ user: null }).tryAcquire();
  const [leave, leaveToo] = [wait(set, "a"), wait(other, "a")];
  leave();
  await settled();
  expect(canCome(set)).toBe(false);
  expect(canCome(other)).toBe(false);
  leaveToo();
  await settled();
  expect(canCome(set)).toBe(true);
});

test("a waiter without a place goes when a waiter of another participant leaves its own", async () => {
  const { set, attach } = open(1);
  const other = attach();
  set.for({ user: null }).tryAcquire();
  const leave = wait(set, "a");
  const names: string[] = [];
  wait(other, "b", names, { slots: 0 });
  await settled();
  expect(names).toEqual([]);
  leave();
  await settled();
  expect(names).toEqual(["b"]);
});

test("a partition that is waited for before the set is shared keeps its place from then on", async () => {
  const { set, attach } = open(1);
  const held = set.for({ user: null }).tryAcquire();
  const names: string[] = [];
  wait(set, "a", names);
  const other = attach();
  expect(canCome(other)).toBe(false);
  held.release();
  await settled();
  expect(names).toEqual(["a"]);
  (set as never as LimitSet).reset();
  expect(canCome(other)).toBe(true);
});

test("a partition that is waited for keeps its place while the limits of the set change, also before its waiter knows of that", async () => {
  const { set, attach } = open(1);
  const other = attach();
  const held = set.for({ user: null }).tryAcquire();
  const names: string[] = [];
  wait(other, "a", names);
  set.redefine([each, slots]);
  expect(canCome(set)).toBe(false);
  await settled();
  expect(canCome(set)).toBe(false);
  set.redefine([slots, each]);
  set.redefine([each, slots]);
  expect(canCome(set)).toBe(false);
  await settled();
  held.release();
  await settled();
  expect(names).toEqual(["a"]);
});

test("a partition whose waiter has gone with its limit makes room, once the waiter's thread knows of it", async () => {
  const rate = (key: string) => new RateLimit({ key, capacity: 1, windowMs: 1000, per: "user" });
  const [first, second] = [rate("first"), rate("second")];
  const { set, clock, attach } = open(1, [first, second]);
  const other = attach();
  expect(other.for({ user: "a" }).tryAcquire({ first: 1, second: 1 }).successful).toBe(true);
  wait(other, "a", [], { first: 1, second: 0 });
  clock.advance(500);
  set.redefine([second]);
  await settled();
  expect(set.for({ user: "b" }).tryAcquire({ second: 1 }).successful).toBe(false);
  clock.advance(500);
  await settled();
  expect(set.for({ user: "b" }).tryAcquire({ second: 1 }).successful).toBe(true);
});

test("a waiter that leaves while another participant redefines the set keeps no place", async () => {
  const { set, attach } = open(1);
  const other = attach();
  set.for({ user: null }).tryAcquire();
  const leave = wait(other, "a");
  set.redefine([each, slots]);
  leave();
  await settled();
  expect(canCome(set)).toBe(true);
});

test.each(["closes", "is killed", "is killed after a redefinition that it never learns of"])(
  "a thread that waits for a partition and %s leaves its place to others",
  async (end) => {
    const limits = [slots, new RateLimit({ key: "each", capacity: 1, windowMs: 1, per: "user" })];
    const set = new LimitSet({
      ...{ limits, missingUpdate: "charge" },
      partitions: { user: { max: 1, whenFull: "refuse" } },
    }) as unknown as Set;
    onTestFinished(() => set.close());
    const held = set.for({ user: null }).tryAcquire({ slots: 1 });
    const peer = new Peer(set as never);
    const isFree = () => set.for({ user: "b" }).tryAcquire({ slots: 0, each: 1 }).successful;
    await peer.do("queueFor", "a", { slots: 1, each: 1 });
    expect(isFree()).toBe(false);
    if (end.includes("redefinition")) {
      peer.do("compute", 1e9).catch(() => {});
      set.redefine(limits.toReversed() as never);
      expect(isFree()).toBe(false);
    }
    if (end === "closes") await peer.do("close");
    else await peer.kill();
    await until(isFree);
    held.release();
  },
);

test("a thread that is blocked until a partition and a limit of all grant it keeps the place of that partition", async () => {
  const limits = [slots, new RateLimit({ key: "each", capacity: 1, windowMs: 1, per: "user" })];
  const set = new LimitSet({
    ...{ limits, missingUpdate: "charge" },
    partitions: { user: { max: 1, whenFull: "refuse" } },
  }) as unknown as Set;
  onTestFinished(() => set.close());
  const held = set.for({ user: null }).tryAcquire({ slots: 1 });
  const peer = new Peer(set as never);
  await peer.do("thread");
  const granted = peer.do("blockFor", "a", { slots: 1, each: 1 });
  await until(() => set.partitions.user.count === 1);
  await settled();
  expect(set.for({ user: "b" }).tryAcquire({ slots: 0, each: 1 }).successful).toBe(false);
  held.release();
  await granted;
  await peer.do("release");
  await until(() => set.for({ user: "b" }).tryAcquire({ slots: 0, each: 1 }).successful);
});
