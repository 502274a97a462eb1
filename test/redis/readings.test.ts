import { expect, test } from "vitest";
import type { Reading } from "../../src/redis/reading.ts";
import { Readings } from "../../src/redis/readings.ts";

test("a reading whose answer was lost is asked again", async () => {
  const asked: Reading[] = [];
  const readings = new Readings({ now: 0 }, (reading) => asked.push(reading));
  const answer = readings.read({ text: "I", steps: 1, turn: 0 }, (text) => text);
  asked[0]!.failed(undefined);
  expect(asked).toHaveLength(2);
  expect(asked[1]!.encode()).toBe("I");
  asked[1]!.answered("#1:0", { sentAt: 0, readAt: 0 });
  expect(await answer).toBe("#1:0");
});
