import { expect, test } from "vitest";
import { Definitions } from "../../src/redis/definitions.ts";
import type { Reading } from "../../src/redis/reading.ts";
import { Readings } from "../../src/redis/readings.ts";

function asking() {
  const asked: Reading[] = [];
  const set = { limits: [], definitions: new Definitions([]) };
  const rank = () => ({ key: 0, turn: asked.length });
  const add = (reading: Reading) => asked.push(reading);
  const readings = new Readings(set, { now: 0, send: () => {} }, { rank }, { add });
  return { asked, readings };
}

test("a reading whose answer was lost is asked again", async () => {
  const { asked, readings } = asking();
  const answer = readings.read(
    () => undefined,
    (text) => text,
  );
  asked[0]!.failed(undefined);
  expect(asked).toHaveLength(2);
  expect(asked[1]!.encode()).toBe("I");
  asked[1]!.answered("#1:0");
  expect(await answer).toBe("#1:0");
});

test("a change whose answer was lost is asked for again, unless it must not be done twice", async () => {
  const { asked, readings } = asking();
  const done = readings.change(
    () => () => "G1:0",
    () => undefined,
    false,
    () => {},
  );
  asked[0]!.failed(undefined);
  expect(asked[1]!.encode()).toBe("G1:0");
  asked[1]!.answered(".");
  await done;
  const charged = readings.change(
    () => () => "S0 1:5",
    () => undefined,
    true,
    () => {},
  );
  asked[2]!.failed(undefined);
  expect(asked).toHaveLength(3);
  await expect(charged).rejects.toMatchObject({ code: "ERR_BACKEND_UNAVAILABLE" });
});
