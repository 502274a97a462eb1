import { describe, expect, test } from "vitest";
import { Heap } from "../../src/waiting/heap.ts";
import { die } from "../property/waiting-script.ts";

interface Entry {
  key: number;
  readonly turn: number;
  place: number;
}

const isBefore = (a: Entry, b: Entry) => (a.key === b.key ? a.turn < b.turn : a.key < b.key);

describe("a heap", () => {
  test.each([
    ["that come in their order", 0],
    ["of which a few come out of their order", 5],
    ["that come in any order", 1000],
  ])("has the first one on top of entries %s, while any of them leave and move", (_, spread) => {
    for (let seed = 1; seed <= 20; seed++) {
      const roll = die(seed);
      const heap = new Heap<Entry>(isBefore);
      const plain: Entry[] = [];
      const one = () => plain[roll(plain.length)]!;
      for (let turn = 0; turn < 1500; turn++) {
        const action = roll(10);
        // It fills at first, and is emptied at the end.
        if (plain.length === 0 || action < (turn < 700 ? 6 : 3)) {
          const entry = { key: turn + roll(spread + 1), turn, place: -1 };
          heap.add(entry);
          plain.push(entry);
        } else if (action === 9) {
          const entry = one();
          entry.key += roll(2 * spread + 3) - spread - 1;
          heap.moved(entry);
        } else {
          const entry = action < 7 ? heap.first! : one();
          heap.remove(entry);
          expect(entry.place).toBe(-1);
          plain.splice(plain.indexOf(entry), 1);
        }
        plain.sort((a, b) => (isBefore(a, b) ? -1 : 1));
        expect(heap.first).toBe(plain[0]);
        expect(heap.size).toBe(plain.length);
      }
    }
  });

  test("does not grow with the entries that have left, while the first one stays", () => {
    const heap = new Heap<Entry>(isBefore);
    heap.add({ key: 0, turn: 0, place: -1 });
    let last: Entry | undefined;
    let highest = 0;
    for (let turn = 1; turn <= 10_000; turn++) {
      const entry = { key: turn, turn, place: -1 };
      heap.add(entry);
      if (turn === 1) highest = entry.place;
      if (last) heap.remove(last);
      last = entry;
      expect(entry.place).toBeLessThan(highest + 100);
    }
    expect(heap.size).toBe(2);
  });
});
