import { describe, expect, test } from "vitest";
import { Order } from "../../src/waiting/order.ts";
import { isBefore, NEWCOMER } from "../../src/waiting/standing.ts";
import { die } from "../property/waiting-script.ts";

interface Waiter {
  readonly key: number;
  readonly turn: number;
  readonly demand: readonly number[];
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** The most units that a limit can have: sums of these are rounded. */
const MOST = Number.MAX_SAFE_INTEGER;

describe("waiters in order", () => {
  test.each([
    ["that come behind all others", 1, 50],
    ["of some priorities", 4, 50],
    ["of many priorities", 1000, 50],
    ["that want more together than a number tells", 4, MOST],
  ])("%s have the sums of a plain list", (_, keys, most) => {
    for (let seed = 1; seed <= 10; seed++) {
      const roll = die(seed);
      const order = new Order<Waiter>(2);
      let plain: Waiter[] = [];
      for (let turn = 0; turn < 3000; turn++) {
        // The line grows to hundreds, and ends empty.
        if (roll(5) < (turn < 2000 ? 4 : 1)) {
          const demand = [roll(4) === 0 ? 0 : 7, roll(9) === 0 ? most : roll(50)];
          const waiter = { key: roll(keys), turn, demand };
          order.add(waiter);
          plain.push(waiter);
          plain.sort((a, b) => (isBefore(a, b) ? -1 : 1));
        } else if (plain.length > 0) {
          const leaving = plain[roll(3) === 0 ? roll(plain.length) : 0]!;
          order.remove(leaving);
          plain = plain.filter((waiter) => waiter !== leaving);
        }
        if (turn % 23 !== 0) continue;
        const ranked =
          plain.length > 0 && roll(2) === 0
            ? plain[roll(plain.length)]!
            : { key: roll(keys), turn: NEWCOMER };
        const before = plain.filter((waiter) => isBefore(waiter, ranked));
        const bound = roll(2000);
        for (const limit of [0, 1]) {
          const of = (waiters: readonly Waiter[]) =>
            waiters.map(({ demand }) => demand[limit]!).filter((units) => units > 0);
          const sum = sumOf(of(before));
          expect(order.countBefore(limit, ranked)).toBe(of(before).length);
          expect([...order.demandsBefore(limit, ranked)]).toEqual(of(before));
          if (sum <= MOST) expect(order.unitsBefore(limit, ranked)).toBe(sum);
          else expect(order.unitsBefore(limit, ranked)).toBeGreaterThan(MOST / 2);
          expect(order.unitsBefore(limit, ranked, bound) > bound).toBe(sum > bound);
          const all = sumOf(of(plain));
          if (all <= MOST) expect(order.sum(limit)).toBe(all);
        }
      }
      for (const waiter of plain) order.remove(waiter);
      expect([order.sum(0), order.sum(1)]).toEqual([0, 0]);
    }
  });
});
