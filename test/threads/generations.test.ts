/** A shared set is redefined by one of two threads, both of which are this one: it brings about the moments that threads meet by chance. */
import { beforeEach, describe, expect, test } from "vitest";
import { NUMBER, PRESENT } from "../../assembly/layout.ts";
import { isGranted, isMoved, isReclaimed } from "../../src/core/answer.ts";
import { arenaFor } from "../../src/core/arena.ts";
import type { Definition } from "../../src/core/kinds.ts";
import { Region } from "../../src/core/region.ts";
import { openHeap } from "../../src/core/whole.ts";
import { Membership } from "../../src/threads/membership.ts";

const NOW = 1_735_689_600_000;
const CALLS: Definition = {
  kind: "token-bucket",
  capacity: 10,
  ceiling: 10,
  windowMicros: 1_000_000,
  flags: 0,
};
const LOG: Definition = {
  kind: "sliding-window",
  capacity: 5,
  ceiling: 5,
  windowMicros: 1_000_000,
  flags: 0,
};
const SLOTS: Definition = { kind: "resource", capacity: 2, ceiling: 2, windowMicros: 0, flags: 0 };

interface Thread {
  readonly region: Region;
  readonly membership: Membership;
}

let maker: Thread;
let guest: Thread;
beforeEach(() => {
  maker = share([CALLS, SLOTS]);
  guest = attach(1);
});

function share(definitions: Definition[], maxThreads = 3): Thread {
  const region = Region.create(definitions, true);
  region.widen({ definitions, participants: maxThreads + 1, text: "first" }, (arena, start, entrance) =>
    Membership.found(arena, start, entrance, 0),
  );
  return { region, membership: region.sharing as Membership };
}

/** A thread that attaches with a view of the memory of its own, just after which `meanwhile` happens. */
function attach(threadId: number, by = maker, meanwhile = () => {}): Thread {
  const { membership, region } = by;
  const heap = openHeap(region.memory)!;
  meanwhile();
  const number = membership.issue() as number;
  const joined = Membership.join(heap, region.home, membership.entrance, number, threadId);
  if (!(joined instanceof Membership)) throw new Error(`not joined: ${joined}`);
  return { region: Region.attach(heap, region.home, joined), membership: joined };
}

function redefine({ region }: Thread, definitions: Definition[], from: number[], text = "next") {
  const heirs = from.map((index) => ({ from: index, ratio: 1 }));
  const followers = { dimensions: [], tiers: [0] };
  return region.redefineShared({ definitions, text, dimensions: [], followers, heirs, mode: "used" }, NOW);
}

const words = () => new Int32Array(maker.region.memory.buffer, maker.region.home);
const used = ({ region }: Thread, count: number) => {
  region.inspect(NOW);
  return Array.from({ length: count }, (_, i) => region.usedOf(i));
};

test("a request behind waiters leaves them their part, also where the clock is corrected in the middle of it", () => {
  maker.region.takeSince([1, 0], NOW + 60_000, 0, false);
  expect(isGranted(guest.region.takeSince([1, 0], NOW, 0, false, [10, 0]))).toBe(false);
  expect(isGranted(guest.region.takeSince([1, 0], NOW, 0, false, [8, 0]))).toBe(true);
});

describe("a thread that did not redefine", () => {
  test("sees a region in memory that was added while it attached", () => {
    const { memory } = maker.region;
    const before = memory.buffer.byteLength;
    const many = Array.from({ length: 1000 }, () => LOG);
    const late = attach(2, maker, () => redefine(maker, many, [...many.keys()].fill(-1)));
    expect(memory.buffer.byteLength).toBeGreaterThan(before);
    expect(late.region.move()).toBe("next");
    const request = many.map((_, i) => (i === 999 ? 3 : 0));
    expect(isGranted(late.region.takeSince(request, NOW, 0, false))).toBe(true);
    expect(used(maker, 1000)[999]).toBe(3);
    expect(used(late, 1000)[999]).toBe(3);
  });

  test("finds that the set has moved, with each thing that it does, and goes on after it has moved too", () => {
    expect(isGranted(guest.region.takeSince([3, 1], NOW, 0, false))).toBe(true);
    expect(isGranted(redefine(maker, [SLOTS, { ...CALLS, capacity: 20, ceiling: 20 }], [1, 0]))).toBe(true);
    const { region } = guest;
    expect(isMoved(region.takeSince([1, 0], NOW, 0, false))).toBe(true);
    expect(isMoved(region.takeSince([1, 0], NOW, 1, false))).toBe(true);
    expect(isMoved(region.probe([1, 0], NOW))).toBe(true);
    expect(isMoved(region.inspect(NOW))).toBe(true);
    expect(isMoved(redefine(guest, [CALLS], [0]))).toBe(true);
    expect(region.hangsOnSelf([0, 2])).toBe(false);
    expect(region.move()).toBe("next");
    expect(used(guest, 2)).toEqual([1, 3]);
    expect(isGranted(region.takeSince([1, 17], NOW, 0, false))).toBe(true);
    expect(region.hangsOnSelf([1, 0])).toBe(true);
    region.settle([-2, 0], -1, 0);
    expect(used(maker, 2)).toEqual([0, 20]);
  });

  test("moves over several redefinitions at once", () => {
    for (const text of ["one", "two", "three"]) redefine(maker, [CALLS, LOG], [0, -1], text);
    expect(guest.region.move()).toBe("three");
    expect(isGranted(guest.region.takeSince([10, 5], NOW, 0, false))).toBe(true);
    expect(isGranted(maker.region.takeSince([1, 0], NOW, 0, false))).toBe(false);
  });

  test("redefines in its turn, in pages that it adds to the memory", () => {
    redefine(maker, [CALLS], [0], "one");
    expect(guest.region.move()).toBe("one");
    expect(isGranted(redefine(guest, [LOG, CALLS], [-1, 0], "two"))).toBe(true);
    expect(isMoved(maker.region.takeSince([1], NOW, 0, false))).toBe(true);
    expect(maker.region.move()).toBe("two");
    expect(isGranted(maker.region.takeSince([5, 10], NOW, 0, false))).toBe(true);
    expect(isGranted(guest.region.takeSince([1, 0], NOW, 0, false))).toBe(false);
  });

  test("redefines right after another, which then finds that the set has moved on from its own definitions", () => {
    const { membership, region } = maker;
    const adopt = membership.adopt.bind(membership);
    membership.adopt = (start) => {
      adopt(start);
      guest.region.move();
      redefine(guest, [LOG], [-1], "theirs");
    };
    expect(isGranted(redefine(maker, [CALLS], [0], "ours"))).toBe(true);
    expect(isMoved(region.takeSince([1], NOW, 0, false))).toBe(true);
    expect(region.move()).toBe("theirs");
  });

  test("keeps the corrections of its clock, also one that comes before it has moved", () => {
    guest.region.corrected(NOW, 5_000, 0);
    redefine(maker, [CALLS], [0]);
    guest.region.corrected(NOW, 2_000, 0);
    expect(guest.region.move()).toBe("next");
    expect(guest.region.microsOf(NOW)).toBe((NOW + 7_000) * 1000);
    expect(guest.region.takeSince([1], NOW, 0, false)).toBe((NOW + 7_000) * 1000);
    redefine(guest, [CALLS], [0]);
    expect(guest.region.takeSince([1], NOW + 1, 0, false)).toBe((NOW + 7_001) * 1000);
  });

  test("has attached after a redefinition", () => {
    redefine(maker, [CALLS, SLOTS], [0, 1], "new");
    const late = attach(2);
    expect(isMoved(late.region.takeSince([1, 1], NOW, 0, false))).toBe(true);
    expect(late.region.move()).toBe("new");
    expect(isGranted(late.region.takeSince([1, 1], NOW, 0, false))).toBe(true);
  });
});

describe("what a thread holds", () => {
  test("comes back when it leaves a generation that is past", () => {
    guest.region.takeSince([0, 2], NOW, 0, false);
    redefine(maker, [SLOTS], [1]);
    expect(used(maker, 1)).toEqual([2]);
    guest.region.close();
    expect(used(maker, 1)).toEqual([0]);
  });

  test("comes back when another reclaims it, though both are in generations that are past", () => {
    const reclaimer = attach(2);
    guest.region.takeSince([0, 2], NOW, 0, false);
    redefine(maker, [CALLS, SLOTS], [0, 1]);
    redefine(maker, [SLOTS], [1]);
    reclaimer.membership.reclaimThread(1);
    expect(used(maker, 1)).toEqual([0]);
    expect(isReclaimed(guest.region.takeSince([1, 0], NOW, 0, false))).toBe(true);
    expect(guest.region.move()).toBeUndefined();
    expect(reclaimer.region.move()).toBe("next");
    expect(isGranted(reclaimer.region.takeSince([2], NOW, 0, false))).toBe(true);
  });

  test("comes back when a thread that has left reclaims it as a guest", () => {
    const reclaimer = attach(2);
    guest.region.takeSince([0, 2], NOW, 0, false);
    redefine(maker, [SLOTS], [1]);
    reclaimer.region.close();
    reclaimer.membership.reclaimThread(1);
    expect(used(maker, 1)).toEqual([0]);
  });

  test("is known to the next thread with its number", () => {
    guest.region.takeSince([0, 1], NOW, 0, false);
    redefine(maker, [SLOTS, CALLS], [1, 0]);
    maker.membership.reclaimThread(1);
    const next = attach(3);
    next.region.move();
    expect(isGranted(next.region.takeSince([2, 0], NOW, 0, false))).toBe(true);
  });
});

describe("memory", () => {
  test("stays as it is over thousands of redefinitions, by threads in turn, of definitions of all sizes", () => {
    const sizes = [[CALLS], [CALLS, LOG, LOG], [CALLS, SLOTS], Array.from({ length: 20 }, () => CALLS)];
    const round = (i: number) => {
      const [by, other] = i % 2 === 0 ? [maker, guest] : [guest, maker];
      const definitions = sizes[i % 3 === 0 ? 0 : i % sizes.length]!;
      const text = "x".repeat((i * 37) % 3000);
      expect(isGranted(redefine(by, definitions, [0, ...definitions.slice(1).map(() => -1)], text))).toBe(
        true,
      );
      expect(other.region.move()).toBe(text);
    };
    maker.region.takeSince([7, 0], NOW, 0, false);
    for (let i = 0; i < 100; i++) round(i);
    const bytes = sizeOf(maker);
    for (let i = 100; i < 4000; i++) round(i);
    expect(sizeOf(maker)).toBe(bytes);
    maker.region.inspect(NOW);
    expect(maker.region.usedOf(0)).toBe(7);
    expect(words()[PRESENT / 4]).toBe(4000);
  });

  test("of a generation is kept while a thread is inside there, and used again once it has gone", () => {
    redefine(maker, [CALLS, LOG], [0, -1]);
    guest.region.move();
    const { address } = guest.region;
    const number = () => new Int32Array(address.buffer, address.start)[NUMBER / 4];
    guest.membership.enter();
    for (let i = 0; i < 50; i++) redefine(maker, [CALLS, LOG], [0, -1], `${i}`);
    expect(number()).toBe(1);
    guest.membership.exit();
    for (let i = 0; i < 50; i++) redefine(maker, [CALLS, LOG], [0, -1], `${i}`);
    expect(number()).toBeGreaterThan(50);
    expect(guest.region.move()).toBe("49");
  });

  test("of all generations comes back with the set", () => {
    const arena = arenaFor(true);
    maker.region.close();
    guest.region.close();
    const regions = () => {
      const set = share([CALLS]);
      maker = set;
      const other = attach(1, set);
      for (let i = 0; i < 20; i++) {
        redefine(set, [CALLS, LOG], [0, -1]);
        other.region.move();
        redefine(other, [CALLS], [0]);
        set.region.move();
      }
      other.region.close();
      set.region.close();
    };
    for (let i = 0; i < 5; i++) regions();
    const bytes = arena.byteLength;
    for (let i = 0; i < 50; i++) regions();
    expect(arena.byteLength).toBe(bytes);
  });
});

function sizeOf({ region }: Thread): number {
  region.memory.grow(0);
  return region.memory.buffer.byteLength;
}

describe("a thread that dies while it redefines", () => {
  test("after the head and before PRESENT leaves it to the next thread to set that", () => {
    redefine(maker, [CALLS], [0], "one");
    // As if the thread had died just behind the swap of the head.
    words()[PRESENT / 4] = 0;
    expect(isMoved(guest.region.takeSince([1, 0], NOW, 0, false))).toBe(true);
    expect(guest.region.move()).toBe("one");
    expect(words()[PRESENT / 4]).toBe(1);
    expect(isGranted(guest.region.takeSince([1], NOW, 0, false))).toBe(true);
  });

  test("while it lays out a region keeps a room only until it is known to have ended", () => {
    const { membership } = guest;
    membership.enter();
    membership.takeRoom(1000, 1000);
    const bytes = () => sizeOf(maker);
    for (let i = 0; i < 10; i++) redefine(maker, [CALLS], [0]);
    const before = bytes();
    maker.membership.reclaimThread(1);
    membership.exit();
    for (let i = 0; i < 10; i++) redefine(maker, [CALLS], [0]);
    expect(bytes()).toBe(before);
  });
});
