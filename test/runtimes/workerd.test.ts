/** Sets in workerd, made at module scope and shared by HTTP requests, which cannot use each other's timers and promises. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { find, testIn } from "../installed.ts";
import { startWorkerd, type Workerd } from "./workerd.ts";

const TAKEN = { db: 1 };
const testHere = testIn("workerd");

let workerd: Workerd;

beforeAll(async () => {
  if (find("workerd") === undefined) return;
  workerd = await startWorkerd(fileURLToPath(new URL("requests.js", import.meta.url)), {
    self: "self",
    flags: ["--expose-gc"],
  });
});
afterAll(() => workerd?.kill());

/** The answer of a path, in an HTTP request of its own. For one that the runtime has cancelled, its status. */
async function get(path: string): Promise<unknown> {
  const response = await fetch(`${workerd.url}/${path}`, { signal: AbortSignal.timeout(20_000) });
  return response.ok ? response.json() : response.status;
}

async function waiting(set: string, count: number): Promise<void> {
  while ((await get(`waiting/${set}`)) !== count) await sleep(5);
}

describe("workerd", () => {
  testHere("decides at module scope, where a wait rejects with an error that says why", async () => {
    expect(await get("start")).toEqual({
      atStart: [true, false],
      waited: expect.stringContaining("global scope"),
      waiting: 0,
    });
  });

  testHere("decides and waits with a set that is made in an HTTP request", async () => {
    expect(await get("inside")).toEqual([true, true, { call_count: 1 }, 0]);
  });

  testHere("cannot block or share memory, and the errors name the alternatives", async () => {
    expect(await get("take/calls")).toEqual({ call_count: 1 });
    expect(await get("block/calls")).toEqual([
      ["ERR_CANNOT_BLOCK", expect.stringContaining("acquire()")],
      ["ERR_CANNOT_SHARE", expect.stringContaining("limitset/port")],
    ]);
  });

  testHere("a try is refused while time stands still, and granted after its wait", async () => {
    expect(await get("still/still")).toEqual({ never: true, after: true });
  });

  testHere("an HTTP request waits for another's release, and goes on in its own context", async () => {
    expect(await get("take/handed")).toEqual(TAKEN);
    const taken = get("acquire/handed");
    await waiting("handed", 1);
    await get("release/handed");
    expect(await taken).toEqual(TAKEN);
  });

  testHere("HTTP requests are granted in order of arrival", async () => {
    await get("take/order");
    const taken: Promise<unknown>[] = [];
    for (let i = 0; i < 5; i++) {
      taken.push(get(`acquire/order?as=${i}`));
      await waiting("order", i + 1);
    }
    for (const each of taken) {
      expect(await get("try/order")).toBe(false);
      await get("release/order");
      expect(await each).toEqual(TAKEN);
    }
    expect(await get("order/order")).toEqual(["order 0", "order 1", "order 2", "order 3", "order 4"]);
  });

  testHere("an HTTP request that waits long is not taken for hung", async () => {
    await get("take/long");
    const taken = get("acquire/long");
    await sleep(4_000);
    await get("release/long");
    expect(await taken).toEqual(TAKEN);
  });

  testHere("an HTTP request that ends while it waits takes no timer and nothing else with it", async () => {
    await get("take/keeper");
    await get("forget/keeper");
    const taken = get("acquire/keeper");
    expect(await taken).toEqual({ call_count: 1 });
    await waiting("keeper", 0);
  });

  testHere.each([
    ["ended", "forget"],
    ["cancelled", "cancel"],
  ])("nothing is granted to an HTTP request that has %s", async (set, way) => {
    await get(`take/${set}`);
    expect(await get(`${way}/${set}`)).toBe(way === "cancel" ? "cancelled" : null);
    expect(await get(`waiting/${set}`)).toBe(1);
    const taken = get(`acquire/${set}`);
    await waiting(set, 2);
    await get(`release/${set}`);
    expect(await taken).toEqual(TAKEN);
    expect(await get(`waiting/${set}`)).toBe(0);
  });

  testHere("of many HTTP requests some end, and all others are granted, one at a time", async () => {
    await get("take/crowd");
    const crowd = Array.from({ length: 120 }, (_, i) => get(i % 10 === 5 ? "forget/crowd" : "work/crowd"));
    await waiting("crowd", 120);
    await get("release/crowd");
    const answers = await Promise.all(crowd);
    expect(answers.filter((answer) => answer === 1)).toHaveLength(108);
    expect(await get("waiting/crowd")).toBe(0);
    expect(await get("used/crowd")).toEqual([0]);
  });

  testHere("an HTTP request that has ended does not hold up others", async () => {
    await get("take/left");
    await get("forget/left");
    await get("release/left");
    while (!(await get("try/left"))) await sleep(50);
    expect(await get("waiting/left")).toBe(0);
  });

  testHere("a timeout runs in the HTTP request that waits", async () => {
    await get("take/timeout");
    expect(await get("acquire/timeout?timeout=50")).toMatch(/^TimeoutError: .* "db"$/);
    expect(await get("waiting/timeout")).toBe(0);
  });

  testHere.each([
    ["abort", "Error: enough"],
    ["close", "LimitSetClosedError: the limit set is closed: make a new one"],
  ])("an HTTP request can %s what another waits for", async (way, message) => {
    await get(`take/${way}`);
    const turnedAway = get(`acquire/${way}`);
    await waiting(way, 1);
    await get(`${way}/${way}`);
    expect(await turnedAway).toBe(message);
    expect(await get(`waiting/${way}`)).toBe(0);
  });

  testHere(
    "resources of an HTTP request that ended come back when its acquisition is collected",
    async () => {
      expect(await get("lose/lost")).toEqual(TAKEN);
      // It may have been collected already.
      const taken = get("acquire/lost");
      const collecting = setInterval(() => void get("collect"), 50);
      expect(await taken).toEqual(TAKEN);
      clearInterval(collecting);
    },
  );
});
