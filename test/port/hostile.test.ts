/** Peers and hosts that send arbitrary messages: the set stays whole, other peers keep what they hold, and the host lives. */

import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { LimitSet } from "../../src/index.ts";
import { connectLimits, serveLimits } from "../../src/port/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { calls, rate, resource } from "../conformance/tools.ts";
import { jsonChannel } from "./channels.ts";

const { LIMITSET_SEED }: { LIMITSET_SEED?: string } = process.env;
const seed = Number(LIMITSET_SEED ?? 20_261_124);

const number = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 0, max: 12 }) },
  fc.constantFrom(-1, 0.5, 1e9, 2 ** 53, 1e300),
);
const value: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: number },
  fc.constantFrom(null, "", "limitset", true, "__proto__"),
  fc.array(fc.oneof(number, fc.constant(null)), { maxLength: 5 }),
  fc.jsonValue({ maxDepth: 2 }),
);
/** Kinds from 0 to 15: all that exist, and one that does not. */
const kind = fc.integer({ min: 0, max: 15 });
const op = fc.tuple(kind, value, value, value, value, value, value, value);
const amounts = fc.tuple(number, number, number);
/** Operations that an honest peer could send, in any order and any number. */
const plausible = fc.oneof(
  fc.tuple(
    ...[fc.constant(2), number, fc.constantFrom(0, 1, 2, 3), amounts, fc.constantFrom(null, 0, 50)],
    ...[fc.constantFrom(0, -1, 1e308), fc.constantFrom(null, 0, 50)],
  ),
  fc.tuple(fc.constantFrom(3, 10), number, amounts),
  fc.tuple(fc.constantFrom(4, 6), number),
  fc.tuple(fc.constant(5), number, fc.oneof(amounts, value)),
);
const message = fc.oneof(
  { weight: 5, arbitrary: fc.array(fc.oneof(plausible, op), { maxLength: 6 }) },
  fc.jsonValue({ maxDepth: 2 }),
);

test("hostile peers never corrupt the set, touch what others hold, or crash the host", {
  timeout: 120_000,
}, async () => {
  const unhandled: unknown[] = [];
  const note = (error: unknown) => unhandled.push(error);
  process.on("unhandledRejection", note);
  const limit = { tokens: 100, db: 4 };
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 30 }), async (messages) => {
      const clock = new ManualClock();
      const set = new LimitSet({
        limits: [
          resource("db", limit.db),
          rate("tokens", limit.tokens, 1000, { algorithm: "sliding-window" }),
          calls(1000, 1000),
        ],
        clock,
      });
      const honest = jsonChannel();
      serveLimits(set, honest.there);
      const limits = connectLimits<"db" | "tokens" | "call_count">(honest.here);
      const mine = await limits.acquire({ db: 2, tokens: 10 });
      const hostile = jsonChannel();
      const service = serveLimits(set, hostile.there);
      const session = 7;
      // It sends back every mark that it reads: otherwise it would soon be cut off.
      hostile.here.receive((received) => {
        const { ops } = received as { ops: unknown[][] };
        const marks = ops.filter(([kind]) => kind === 9).map(([, mark]) => [9, mark]);
        if (marks.length > 0) hostile.here.send({ limitset: "", to: "host", session, ops: marks });
      });
      hostile.here.send({ limitset: "", to: "host", session, ops: [[0, 2]] });
      await nextTurn();
      await nextTurn();
      await nextTurn();
      for (const ops of messages) {
        hostile.here.send({ limitset: "", to: "host", session, ops });
        await nextTurn();
        clock.advance(10);
        const { db, tokens } = set.stats();
        expect(db.used).toBeGreaterThanOrEqual(2);
        expect(db.used).toBeLessThanOrEqual(limit.db);
        expect(tokens.used).toBeLessThanOrEqual(limit.tokens);
      }
      service.stop();
      await nextTurn();
      expect(set.stats().db.used).toBe(2);
      expect(set.waiting).toBe(0);
      mine.update({ tokens: 10 });
      mine.release();
      await nextTurn();
      await nextTurn();
      expect(set.stats().db.used).toBe(0);
      limits.close();
      set.close();
    }),
    { seed, numRuns: 1_000 },
  );
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("invalid messages of a host end the connection, or are ignored", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 20 }), async (messages) => {
      const { here, there } = jsonChannel();
      const limits = connectLimits(here);
      const asked = limits.acquire().then(
        () => "granted",
        () => "rejected",
      );
      for (const ops of messages) {
        there.send({ limitset: "", to: "peer", session: 0, ops });
        await nextTurn();
      }
      limits.close();
      expect(["granted", "rejected"]).toContain(await asked);
    }),
    { seed, numRuns: 500 },
  );
});
