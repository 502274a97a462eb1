import { describe, expect, test } from "vitest";
import { Order } from "../../src/waiting/order.ts";
import { isBefore, NEWCOMER } from "../../src/waiting/standing.ts";
import { die } from "../property/waiting-script.ts";

interface Waiter {
  readonly key: number;
  readonly turn: number;
  readonly demand: readonly number[];
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
      const order = new Order<Waiter>(1);
      let plain: Waiter[] = [];
      for (let turn = 0; turn < 3000; turn++) {
        // The line grows to hundreds, and ends empty.
        if (roll(5) < (turn < 2000 ? 4 : 1)) {
          const waiter = { key: roll(keys), turn, demand: [7, roll(9) === 0 ? most : 1 + roll(50)] };
          order.add(waiter);
          plain.push(waiter);
          plain.sort((a, b) => (isBefore(a, b) ? -1 : 1));
        } else if (plain.length > 0) {
          const leaving = plain[roll(3) === 0 ? roll(plain.length) : 0]!;
          order.remove(leaving);
          plain = plain.filter((waiter) => waiter !== leaving);
        }
        if (turn % 7 !== 0) continue;
        const ranked =
          plain.length > 0 && roll(2) === 0
            ? plain[roll(plain.length)]!
            : { key: roll(keys), turn: NEWCOMER };
        const before = plain.filter((waiter) => isBefore(waiter, ranked));
        const sum = before.reduce((total, { demand }) => total + demand[1]!, 0);
        expect(order.countBefore(ranked)).toBe(before.length);
        expect([...order.demandsBefore(ranked)]).toEqual(before.map(({ demand }) => demand[1]));
        if (sum <= MOST) expect(order.demandBefore(ranked)).toBe(sum);
        else expect(order.demandBefore(ranked)).toBeGreaterThan(MOST / 2);
        const all = plain.reduce((total, { demand }) => total + demand[1]!, 0);
        if (all <= MOST) expect(order.sum).toBe(all);
      }
      for (const waiter of plain) order.remove(waiter);
      expect(order.sum).toBe(0);
    }
  });
});
