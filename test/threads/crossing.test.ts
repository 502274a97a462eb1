/** A set of many partitions that threads share is redefined: they go over with the calls that follow, of which each has little to do. */
import { LimitSet, RateLimit } from "limitset";
import { ManualClock } from "limitset/testing";
import { shareLimits } from "limitset/threads";
import { expect, test } from "vitest";
import { COMMONS, HEAD, LINE_BITS, REGION } from "../../assembly/layout.ts";
import { COMMON_PASSED, COMMON_TABLES } from "../../assembly/partitions/layout.ts";

const PARTITIONS = 100_000;
/** What one call may do besides: places that it looks at, and partitions that go over. */
const LOOKS = 4096;
const GO_OVER = 2;

const definitions = (capacity: number) => [
  new RateLimit({ key: "tokens", capacity, windowMs: 3_600_000, per: "user" }),
];

/** How many places before have been gone through, and how many partitions are still to go over. */
function progress(memory: WebAssembly.Memory, home: number) {
  const words = new Uint32Array(memory.buffer);
  const head = new BigUint64Array(memory.buffer)[(home + HEAD) / 8]!;
  const block = Number((head << BigInt(LINE_BITS)) & 0xffff_ffffn);
  const commons = block + words[(words[(block + REGION) / 4]! + COMMONS) / 4]!;
  return { passed: words[(commons + COMMON_PASSED) / 4]!, kept: words[(commons + COMMON_TABLES + 12) / 4]! };
}

test(`of ${PARTITIONS} partitions each call after a redefinition moves two at most`, () => {
  const clock = new ManualClock();
  const partitions = { user: { max: PARTITIONS } };
  const limits = new LimitSet({
    limits: definitions(9),
    clock,
    missingUpdate: "charge",
    maxThreads: 2,
    partitions,
  });
  const { memory, start } = shareLimits(limits).handle as unknown as {
    memory: WebAssembly.Memory;
    start: number;
  };
  const take = (user: string) => limits.for({ user }).tryAcquire({ tokens: 1 }).release();
  for (let i = 0; i < PARTITIONS; i++) take(`user ${i}`);
  limits.redefine(definitions(8));
  let before = progress(memory, start);
  expect(before.kept).toBeGreaterThan(PARTITIONS * 0.9);
  for (let i = 0; i < 2000; i++) {
    // Of a name that has not gone over; and of one that is new, and shares, since there is no room.
    take(i % 2 === 0 ? `user ${PARTITIONS - 1 - i}` : `other ${i}`);
    const now = progress(memory, start);
    expect(now.passed - before.passed).toBeLessThanOrEqual(2 * LOOKS);
    expect(before.kept - now.kept).toBeLessThanOrEqual(2 * GO_OVER);
    before = now;
  }
  expect(before.kept).toBeGreaterThan(0);
  limits.close();
});
