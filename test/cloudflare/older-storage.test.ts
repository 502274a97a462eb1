/** The storage of an object as the first version of limitset has left it: recorded then, and taken up now. */
import { expect, it } from "vitest";
import { RateLimit, ResourceLimit } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { Storage, startHost } from "./host.ts";

const START = 1_700_000_000_000;
const limits = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 10_000 }),
  new RateLimit({ key: "bytes", capacity: 10, windowMs: 1000, algorithm: "sliding-window" }),
  new RateLimit({ key: "rows", capacity: 10, windowMs: 1000, algorithm: "leaky-bucket" }),
  new ResourceLimit({ key: "slots", capacity: 2 }),
];

/** At START 40 tokens, 3 bytes, 2 rows and a slot were taken under "a"; 200 ms later 30 tokens and 2 bytes under "b". */
const STATE =
  "QE0hGCQKBgBATSEYJAoGAIDCZwAAAAAAAgAAAAAAAAAAQB4YJAoGAMD7OQAAAAAAQE0hGCQKBgCAwmcAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABQAAAAAAAAAAAAAAAgAAAABAHhgkCgYAQA0DAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABAHhgkCgYAAwAAAAAAAABATSEYJAoGAAIAAAAAAAAA";

function recorded(): Storage {
  const storage = new Storage();
  const plain = [
    { type: "rate", key: "tokens", capacity: 100, windowMs: 10_000, algorithm: "token-bucket" },
    { type: "rate", key: "bytes", capacity: 10, windowMs: 1000, algorithm: "sliding-window" },
    { type: "rate", key: "rows", capacity: 10, windowMs: 1000, algorithm: "leaky-bucket" },
  ].map((limit) => ({ ...limit, unit: 1, overage: "error" }));
  storage.kept.set("definition", {
    format: 1,
    limits: [...plain, { type: "resource", key: "slots", capacity: 2 }],
  });
  storage.kept.set("state", new Uint8Array(Buffer.from(STATE, "base64")));
  const until = START + 1_000_000;
  storage.kept.set("held a", { units: [40, 3, 2, 1], takenAt: 1_700_000_000_000_000, until });
  storage.kept.set("held b", { units: [30, 2, 0, 0], takenAt: 1_700_000_000_200_000, until: until + 200 });
  return storage;
}

it("a set of the first version goes on as it was, with its grants, and is written in the present format", async () => {
  const storage = recorded();
  const clock = new ManualClock(START + 200);
  let host = await startHost(storage, { limits, clock });
  const used = () => Object.values(host.stats("").stats).map((stats) => stats.used);
  expect(used()).toEqual([68, 5, 0, 1]);
  host.release("a", { tokens: 10 });
  // The 30 that were not used come back.
  expect(used()).toEqual([38, 5, 0, 0]);
  host = await startHost(storage, { limits, clock });
  expect(used()).toEqual([38, 5, 0, 0]);
  clock.advance(800);
  expect(used()).toEqual([30, 2, 0, 0]);
});

it("a set of the first version is redefined with limits of partitions, and keeps what is used of the others", async () => {
  const storage = recorded();
  const clock = new ManualClock(START + 200);
  const more = [...limits, new RateLimit({ key: "each", capacity: 10, windowMs: 1000, per: "user" })];
  let host = await startHost(storage, { limits: more, clock });
  const at = { names: { user: "alice" } };
  const request = {
    waits: false,
    timeoutMs: 0,
    around: undefined,
    descriptionId: "",
    requested: { each: 4 },
    at,
  };
  expect(await host.enter({ id: "c", ...request }, {})).toMatchObject({ kind: "granted" });
  host = await startHost(storage, { limits: more, clock });
  const answer = host.stats("", at);
  expect(answer.kind === "inspected" && Object.values(answer.stats).map(({ used }) => used)).toEqual([
    68, 5, 0, 2, 4,
  ]);
  expect(storage.table.count("user")).toBe(1);
});
