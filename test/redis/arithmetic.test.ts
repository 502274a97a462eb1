/** The arithmetic of the script against the core: random histories of a set are recorded and played back to the script. */
import fc from "fast-check";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, it } from "vitest";
import { REPORTED_FULL } from "../../assembly/layout.ts";
import { isGranted, tokenOf } from "../../src/core/answer.ts";
import type { Region } from "../../src/core/region.ts";
import { toMicros } from "../../src/limits/units.ts";
import { compactCall, wholeCall } from "../../src/redis/call.ts";
import { Definitions } from "../../src/redis/definitions.ts";
import { nameOfScript, script } from "../../src/redis/script/index.ts";
import {
  definitionSets,
  singleRate,
  singleWide,
  startsUs,
  toLimit,
  wideSets,
} from "../property/definitions.ts";
import { histories, perform, type Step } from "../property/history.ts";
import { Lab } from "../property/lab.ts";
import type { Definition } from "../property/oracle.ts";
import { runs, TIMEOUT_MS } from "../property/settings.ts";
import { describeRedis, RedisServer } from "./server.ts";
import { micros } from "./waits.ts";

const sha = await nameOfScript();

/** A call of the core as an operation of the script, with the answer that the script has to give. */
interface Asked {
  readonly readingUs: number;
  readonly operation: string;
  readonly answer: string;
  /** What it takes, if it takes. */
  readonly units?: readonly number[] | undefined;
}

// So long that no session ends in a history, however far its clock moves.
const LEASE_US = 1e15;

let server: RedisServer;
let client: Redis;
let keys = 0;

/** Plays a history on a set, and records its calls of the core. */
function record(definitions: readonly Definition[], startUs: number, history: readonly Step[]): Asked[] {
  const lab = new Lab({ definitions, startUs, missingUpdate: "charge" });
  const { indexes } = new Definitions(definitions.map(toLimit));
  const region = (lab.limits as unknown as { region: Region }).region;
  const asked: Asked[] = [];
  const note = (operation: string, answer: string, units?: readonly number[]) =>
    asked.push({ readingUs: toMicros(lab.clock.now()), operation, answer, units });
  const listed = (units: readonly number[]) =>
    units.flatMap((count, i) => (count === 0 ? [] : [`${indexes[i]}:${count}`])).join();
  const take = region.take.bind(region);
  region.take = (units, first, end, now, action) => {
    const answer = region.refused(take(units, first, end, now, action), units, now, action);
    const waits = indexes
      .map((index, i) => [index, units[i]! > 0 && region.refuses(i) ? region.waitOf(i) : 0] as const)
      .filter(([, wait]) => wait !== 0)
      .sort(([a], [b]) => a - b);
    const verdict = isGranted(answer)
      ? `+${tokenOf(answer)}`
      : `-${waits.map(([index, wait]) => `${index}:${micros(wait)}`)}`;
    note(`O${listed(units)}`, verdict, [...units]);
    return answer;
  };
  const settle = region.settle.bind(region);
  region.settle = (due, now, token) => {
    const answer = settle(due, now, token);
    note(`S${token} ${listed(due)}`, ".");
    return answer;
  };
  const giveBack = region.giveBack.bind(region);
  region.giveBack = (due, token) => {
    const answer = giveBack(due, token);
    note(`S${token} ${listed(due)}`, ".");
    return answer;
  };
  region.takeSince = region.probe = () => {
    throw new Error("no request waits here");
  };
  const report = region.report.bind(region);
  region.report = (now) => {
    const result = report(now);
    const rows: string[] = [];
    for (const [i, index] of indexes.entries())
      rows[index - 1] =
        `${region.usedOf(i)}:${micros(region.waitOf(i))}:${micros(region.reportOf(i, REPORTED_FULL))}`;
    note("I", `#${rows}`);
    return result;
  };
  try {
    for (const [i, step] of history.entries()) {
      const before = lab.readingUs;
      perform(lab, step);
      // A step back of the clock is seen at once: a request that makes no sense shows it to the set, and is not played to the script.
      if (i % 3 === 0 || lab.readingUs < before) lab.checkStats();
    }
    for (const held of [...lab.held]) lab.release(held);
    lab.checkStats();
  } finally {
    lab.close();
  }
  return asked;
}

/** The compact calls that were made, and those that its front half has done. */
const calls = { compact: 0, front: 0 };

/**
 * Plays recorded operations to the script, and compares the answers: once by whole calls, and once by compact ones where these can be made.
 * Operations of one time are one batch. Both ways have to leave the same state.
 */
async function replay(definitions: readonly Definition[], asked: readonly Asked[]): Promise<void> {
  const known = new Definitions(definitions.map(toLimit));
  const [whole, compact] = [`whole:${++keys}`, `compact:${keys}`];
  const batches: Asked[][] = [];
  for (const each of asked) {
    const last = batches.at(-1);
    if (last && last[0]!.readingUs === each.readingUs && !each.units === !last[0]!.units) last.push(each);
    else batches.push([each]);
  }
  const states: unknown[] = [];
  for (const key of [whole, compact]) {
    const pipeline = client.pipeline();
    const areCompact: boolean[] = [];
    const first = { definitions: known, session: "me", seq: 1, reading: batches[0]![0]!.readingUs };
    pipeline.evalsha(sha, 1, key, ...wholeCall(first, { leaseUs: LEASE_US }, ["R"]));
    for (const [i, batch] of batches.entries()) {
      const caller = { definitions: known, session: "me", seq: i + 2, reading: batch[0]!.readingUs };
      const operations = batch.map(({ operation }) => operation);
      const takes = key === compact && batch[0]!.units ? batch.map(({ units }) => units!) : undefined;
      const short = takes && compactCall(caller, takes, operations);
      areCompact.push(short !== undefined);
      pipeline.evalsha(sha, 1, key, ...(short ?? wholeCall(caller, { leaseUs: LEASE_US }, operations)));
    }
    const answers = (await pipeline.exec())!.slice(1);
    const got = answers.flatMap(([error, answer], i) => {
      if (error) throw error;
      const batch = batches[i]!;
      if (areCompact[i]) calls.compact++;
      if (typeof answer === "number") calls.front++;
      return batch.map((each, j) => ({ ...each, answer: sorted(answerOf(answer, batch, j, known)) }));
    });
    expect(got).toEqual(asked);
    const fields = Object.entries(await client.hgetallBuffer(key));
    const readable = fields.map(([name, value]) => [
      name,
      name.startsWith("n") || name === "c" ? withoutFirst(value) : String(value),
    ]);
    states.push(Object.fromEntries(readable.filter(([name]) => !String(name).startsWith("s"))));
  }
  expect(states[1]).toEqual(states[0]);
  await client.del(whole, compact);
}

/**
 * The bulk, and the times beside it, but for what is first in each: until when the front half may take, and the time before which no session
 * ends. After a step back of the clock the front half does not lower them for a session that holds nothing.
 */
function withoutFirst(packed: Buffer): string {
  return packed.toString("hex", 8);
}

/** The answer to one operation of a batch. */
function answerOf(reply: unknown, batch: readonly Asked[], i: number, { indexes }: Definitions): string {
  if (typeof reply === "string") return reply.split(" ")[3 + i]!;
  if (Number(reply) >= 0) return `+${reply}`;
  return `-${indexes[batch[i]!.units!.findIndex((count) => count > 0)]}:${-Number(reply)}`;
}

/** An answer with the limits that refuse in order: the script names them in any order. Its waits are as exact as milliseconds are. */
function sorted(answer: string): string {
  if (answer.startsWith(".")) return ".";
  const exact = answer.replace(/(?<=:)\d+/g, (us) => micros(Number(us) / 1000));
  if (!exact.startsWith("-")) return exact;
  return `-${exact
    .slice(1)
    .split(",")
    .sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10))}`;
}

describeRedis("the script", () => {
  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
    expect(await client.script("LOAD", script)).toBe(sha);
  });

  afterAll(async () => {
    // Both halves have to have been compared.
    expect(calls.front).toBeGreaterThan(calls.compact / 4);
    expect(calls.compact - calls.front).toBeGreaterThan(calls.compact / 10);
    client.disconnect();
    await server.stop();
  });

  it.each([
    ["sets of any limits", definitionSets],
    ["sets with wide limits", wideSets],
  ])("the script answers as the core does for %s", { timeout: TIMEOUT_MS }, async (_, sets) => {
    const property = fc.asyncProperty(
      sets,
      startsUs,
      histories(120),
      async (definitions, startUs, history) => {
        await replay(definitions, record(definitions, startUs, history));
      },
    );
    await fc.assert(property, runs(600));
  });

  for (const algorithm of [
    "token-bucket",
    "gcra",
    "leaky-bucket",
    "sliding-window",
    "fixed-window",
  ] as const) {
    it(`the script answers as the core does for one ${algorithm}`, { timeout: TIMEOUT_MS }, async () => {
      const property = fc.asyncProperty(
        singleRate(algorithm),
        startsUs,
        histories(400),
        async (definition, startUs, history) => {
          await replay([definition], record([definition], startUs, history));
        },
      );
      await fc.assert(property, runs(80));
    });

    it(`the script answers as the core does for one wide ${algorithm}`, { timeout: TIMEOUT_MS }, async () => {
      const property = fc.asyncProperty(
        singleWide(algorithm),
        startsUs,
        histories(400),
        async (definition, startUs, history) => {
          await replay([definition], record([definition], startUs, history));
        },
      );
      await fc.assert(property, runs(80));
    });
  }
});
