/** Random histories, in which limits are defined anew, played on an object that is evicted at any moment and on a set that never is: both give the same answers. */
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Acquisition, type Inherit, LimitSet, type LimitStats } from "../../src/index.ts";
import { ManualClock } from "../../src/testing/index.ts";
import { START } from "../conformance/harness.ts";
import { definitionSets, toLimit } from "../property/definitions.ts";
import { ceilingOf, type Definition } from "../property/oracle.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { startWorkerd, type Workerd } from "../runtimes/workerd.ts";
import { Channel, RemoteLimits } from "./remote.ts";
import { describeWorkerd, newStorage } from "./workerd.ts";

let workerd: Workerd;
let channel: Channel;
let sets = 0;

type Step = readonly [kind: number, pick: number, part: number];
const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(0xffff), fc.nat(1000)), { minLength: 1, maxLength: 60 });

const lists = fc.array(definitionSets, { minLength: 1, maxLength: 3 });
const MODES: readonly Inherit[] = ["used", "available", "proportional", "fresh"];

/** The same acquisition in both. */
interface Pair {
  /** The definitions under which it was granted. */
  readonly of: readonly Definition[];
  readonly here: Acquisition<string>;
  readonly there: Acquisition<string>;
}

/** A part of each limit's ceiling, in amounts. */
function amounts(definitions: readonly Definition[], pick: number, part: number): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [i, definition] of definitions.entries()) {
    const bits = (pick >> (2 * i)) & 3;
    const most = Number(ceilingOf(definition));
    const units = bits === 0 ? 0 : bits === 1 ? 1 : Math.floor((most / 1000) * part);
    named[definition.key] = Number((units * definition.unit).toPrecision(15));
  }
  return named;
}

/** Without the totals that end with the object: a refusal writes nothing to the storage. */
function kept(stats: Readonly<Record<string, LimitStats>>): Record<string, Partial<LimitStats>> {
  const entries = Object.entries(stats).map(([key, { refused: _, timedOut: __, aborted: ___, ...rest }]) => [
    key,
    rest,
  ]);
  return Object.fromEntries(entries);
}

async function play(lists: readonly (readonly Definition[])[], history: readonly Step[]): Promise<void> {
  let definitions = lists[0]!;
  const limits = definitions.map(toLimit);
  const clock = new ManualClock(START);
  const here = new LimitSet<string>({ limits, clock, shared: false, missingUpdate: "charge" });
  const options = { limits, missingUpdate: "charge", start: START };
  const there = await RemoteLimits.open<string>(channel, `history ${++sets}`, options);
  const pairs: Pair[] = [];
  const end = async ({ of, here, there }: Pair, part: number) => {
    const usage: Record<string, number> = {};
    for (const { key, type, unit } of of) {
      const taken = here.requested[key];
      if (type === "resource" || taken === undefined || part % 3 === 0) continue;
      usage[key] = Number((Math.floor((taken / unit / 1000) * part) * unit).toPrecision(15));
    }
    here.update(usage);
    await there.update(usage);
    here.release();
    await there.release();
  };
  for (const [kind, pick, part] of history) {
    if (kind < 45) {
      const requested = amounts(definitions, pick, part);
      const [here_, there_] = [here.tryAcquire(requested), await there.tryAcquire(requested)];
      const pair = { of: definitions, here: here_, there: there_ };
      const { successful, requested: taken, retryAfterMs, limitedBy } = pair.here;
      expect(pair.there).toMatchObject({ successful, requested: taken, retryAfterMs, limitedBy });
      if (successful) pairs.push(pair);
    } else if (kind < 65) {
      const [pair] = pairs.splice(pick % Math.max(1, pairs.length), 1);
      if (pair) await end(pair, part);
    } else if (kind < 82) {
      const { windowUs } = definitions[pick % definitions.length]!;
      const ms = Math.min(Math.ceil((windowUs / 1000) * (part / 700)), 1e9) / 1000;
      clock.advance(ms);
      await there.move("advance", ms);
    } else if (kind < 92) {
      await there.evict();
    } else {
      definitions = lists[pick % lists.length]!;
      const limits = definitions.map(toLimit);
      const inherit = MODES[part % MODES.length]!;
      here.redefine(limits, { inherit });
      await there.redefine(limits, { inherit });
    }
    expect(kept(await there.stats())).toEqual(kept(here.stats()));
  }
  for (const pair of pairs) await end(pair, 500);
  expect(kept(await there.stats())).toEqual(kept(here.stats()));
  await there.close();
  here.close();
}

describeWorkerd("in workerd", () => {
  const storage = newStorage();

  beforeAll(async () => {
    workerd = await startWorkerd(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
      objects: { TESTED: "Tested" },
      storage,
    });
    channel = await Channel.open(workerd.url);
  });

  afterAll(async () => {
    channel?.close();
    await workerd?.kill();
  });

  it("an object that is evicted at any moment answers as a set that never is", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await fc.assert(fc.asyncProperty(lists, steps, play), runs(150));
  });
});
