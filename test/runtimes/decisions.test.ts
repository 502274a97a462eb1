import { expect, test } from "vitest";
import { record } from "./record.ts";
import { replay } from "./replay.js";

test("the recorded decisions are those of the oracle", async () => {
  // `npx vitest run test/runtimes/decisions.test.ts -u` records them anew.
  await expect(record()).toMatchFileSnapshot("decisions.txt");
});

test.each([false, true])("the core decides as recorded (shared memory: %s)", async (shared) => {
  const recorded = record();
  expect(await replay(recorded, shared)).toBe(recorded);
});
