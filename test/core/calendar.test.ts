/** Windows of a calendar in the core: it asks for them, and participants agree on their ends. */
import { expect, test } from "vitest";
import {
  AHEAD,
  CALENDAR,
  INSPECT,
  PAUSE,
  REFUSER,
  RESET,
  SETTLE,
  TAKE,
  TOLD_END,
  UNITS,
  WEIGHT,
} from "../../assembly/layout.ts";
import { definitionAt } from "../../src/core/block.ts";
import { type Core, openCore } from "./core.ts";

const ASK = -Number.MAX_VALUE / 4;
const DAY = 86_400_000;
/** The start of a day, in milliseconds. */
const NOW = Date.UTC(2027, 0, 1);

function open(): Core {
  return openCore([{ kind: CALENDAR, capacity: 10, window: DAY * 1000 }]);
}

/** Tells the core the day that begins `days` after NOW. */
function tell(core: Core, days = 0): void {
  const view = new DataView(core.f64.buffer);
  const address = { buffer: core.f64.buffer, start: core.region };
  const told = core.scratch + view.getInt32(definitionAt(address, 0) + WEIGHT, true);
  core.f64[told / 8] = (NOW + days * DAY) * 1000;
  core.f64[(told + TOLD_END) / 8] = (NOW + (days + 1) * DAY) * 1000;
}

/** How far the set's time is ahead of the participant's wall clock, in milliseconds. */
function setAhead(core: Core, ms: number): void {
  core.i64[(core.scratch + AHEAD) / 8] = BigInt(ms * 1000);
}

function transact(core: Core, units: number, at: number, action = TAKE, since = 0): number {
  core.request([units]);
  return core.transact(core.region, core.scratch, 0, NOW + at, action, since);
}

function usedAt(core: Core, at: number): number {
  expect(transact(core, 0, at, INSPECT)).not.toBe(ASK);
  return core.f64[(core.scratch + UNITS) / 8]!;
}

test("the core asks for the window of the wall clock's moment, and does nothing before it is told", () => {
  const core = open();
  setAhead(core, 5000);
  expect(transact(core, 4, 7000)).toBe(ASK);
  expect(core.f64[(core.scratch + REFUSER) / 8]).toBe(0);
  expect(core.f64[(core.scratch + UNITS) / 8 + 1]).toBe((NOW + 2000) * 1000);
  tell(core);
  expect(transact(core, 4, 7000)).toBe((NOW + 7000) * 1000);
  expect(usedAt(core, 7000)).toBe(4);
});

test("the core asks once a window", () => {
  const core = open();
  tell(core);
  expect(transact(core, 10, 1)).toBeGreaterThan(0);
  expect(transact(core, 1, DAY - 1)).toBe(-1);
  expect(transact(core, 1, DAY)).toBe(ASK);
  tell(core, 1);
  expect(transact(core, 10, DAY)).toBeGreaterThan(0);
  expect(transact(core, 1, DAY + 1)).toBe(-(DAY - 1));
});

test("beyond the next window the core counts on with the shortest one", () => {
  const core = open();
  tell(core);
  expect(transact(core, 10, 0)).toBeGreaterThan(0);
  core.f64[(core.scratch + UNITS) / 8 + 2] = 25;
  expect(transact(core, 1, 0, TAKE + 4)).toBe(-3 * DAY);
});

test("a window that was told before a step of the clock is asked for again", () => {
  const core = open();
  tell(core, 1);
  expect(transact(core, 1, 0)).toBe(ASK);
});

test("a participant whose clock is behind lets a window last that has ended for another", () => {
  const core = open();
  tell(core);
  expect(transact(core, 10, 1000)).toBeGreaterThan(0);
  // To this participant the day lasts five seconds more.
  setAhead(core, 5000);
  expect(transact(core, 1, DAY)).toBe(-5000);
  tell(core, 1);
  expect(transact(core, 10, DAY + 5000)).toBeGreaterThan(0);
});

test("a participant whose clock is ahead lets a whole window follow one that another has ended", () => {
  const core = open();
  setAhead(core, 5000);
  tell(core);
  expect(transact(core, 10, 6000)).toBeGreaterThan(0);
  setAhead(core, 0);
  expect(transact(core, 1, DAY)).toBe(-5000);
  tell(core, 1);
  expect(transact(core, 10, DAY + 5000)).toBeGreaterThan(0);
  expect(transact(core, 1, 2 * DAY)).toBe(-5000);
});

test("a charge to a window that is not known counts in the window that has its moment", () => {
  for (const [after, used] of [
    [0, 7],
    [1, 0],
  ]) {
    const core = open();
    expect(transact(core, 7, DAY - 1, SETTLE)).toBeGreaterThan(0);
    tell(core, after!);
    expect(usedAt(core, DAY - 1 + after!)).toBe(used);
  }
});

test("when the wall clock is moved, the count goes on in its present window", () => {
  const core = open();
  tell(core);
  expect(transact(core, 6, DAY / 2)).toBeGreaterThan(0);
  // The wall clock goes back by two days.
  core.correct(core.region, core.scratch, 0, NOW + DAY / 2, 0, 2 * DAY * 1000);
  expect(transact(core, 5, DAY / 2)).toBe(ASK);
  tell(core, -2);
  expect(transact(core, 5, DAY / 2)).toBe(-DAY / 2);
  expect(transact(core, 4, DAY / 2)).toBeGreaterThan(0);
});

test("a grant gives back in the window in which it was made, and not in the next one", () => {
  const core = open();
  tell(core);
  const early = transact(core, 6, 0);
  const late = transact(core, 4, DAY - 1);
  transact(core, -5, -NOW - 1, SETTLE, early);
  expect(usedAt(core, DAY - 1)).toBe(5);
  tell(core, 1);
  expect(transact(core, 2, DAY)).toBeGreaterThan(0);
  transact(core, -4, -NOW - 1, SETTLE, late);
  expect(usedAt(core, DAY)).toBe(2);
});

test("a limit that is paused beyond its window is asked as of the end of the pause", () => {
  const core = open();
  tell(core);
  expect(transact(core, 10, 0)).toBeGreaterThan(0);
  core.request([DAY * 1000]);
  core.change(core.region, core.scratch, 0, NOW + 1, PAUSE);
  expect(transact(core, 1, 1)).toBe(ASK);
  expect(core.f64[(core.scratch + UNITS) / 8 + 1]).toBe((NOW + DAY + 1) * 1000);
  tell(core, 1);
  expect(transact(core, 1, 1)).toBe(-DAY);
  expect(usedAt(core, 1)).toBe(10);
});

test("grants from before a reset give nothing back, also those of the same moment", () => {
  const core = open();
  tell(core);
  const early = transact(core, 6, 0);
  core.request([0]);
  core.change(core.region, core.scratch, 0, NOW, RESET);
  expect(usedAt(core, 0)).toBe(0);
  const late = transact(core, 5, 0);
  transact(core, -6, -NOW - 1, SETTLE, early);
  expect(usedAt(core, 0)).toBe(5);
  transact(core, -2, -NOW - 1, SETTLE, late);
  expect(usedAt(core, 0)).toBe(3);
});
