/** The functions that a program gives to a guard: they throw, reject, or return what is none of what they should. */
import { describe, expect, test } from "vitest";
import { type GuardOptions, guard } from "../../src/http/index.ts";
import { CallLimit, type LimitSet, RateLimit, ResourceLimit } from "../../src/index.ts";
import { settled } from "../fetch/lab.ts";
import { lab } from "./lab.ts";

const CALLS = new CallLimit({ capacity: 1, windowMs: 1000 });
const SLOTS = new ResourceLimit({ key: "slots", capacity: 1 });
const BYTES = new RateLimit({ key: "bytes", capacity: 100, windowMs: 1000 });

/** What is not of the type, as JavaScript has it. */
const untyped = (options: object) => options as GuardOptions<string>;

describe("whenRefused", () => {
  const refused = async (whenRefused: () => unknown) => {
    const { send } = lab([CALLS], untyped({ whenRefused }));
    await send();
    return send();
  };

  test("may be awaited", async () => {
    const answer = await refused(async () => ({ status: 420, body: "slow down" }));
    expect([answer.status, await answer.text(), answer.headers.get("retry-after")]).toEqual([
      ...[420, "slow down", "1"],
    ]);
    const usual = await refused(async () => undefined);
    expect(usual.headers.get("content-type")).toBe("application/problem+json");
  });

  test("that is awaited has the headers of the moment of its refusal", async () => {
    let answerNow!: () => void;
    const held = new Promise<undefined>((resolve) => {
      answerNow = () => resolve(undefined);
    });
    const { send } = lab([CALLS], { whenRefused: () => held });
    await send();
    const refusal = send();
    await lab([new CallLimit({ capacity: 500, windowMs: 60_000 })]).send();
    answerNow();
    expect((await refusal).headers.get("ratelimit")).toBe('"call_count";r=0;t=1');
  });

  test("that rejects, or throws, is an error of the request, which does not pass", async () => {
    const error = new Error("no answer");
    await expect(refused(() => Promise.reject(error))).rejects.toBe(error);
    await expect(
      refused(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });

  test.each<[string, unknown, RegExp]>([
    ["a text", "slow down", /the answer of whenRefused must be an object .*, got "slow down"/],
    ["a status of no answer", { status: 99 }, /the status of whenRefused must be .* from 200 to 599, got 99/],
    ["a status that changes protocols", { status: 101 }, /got 101/],
    ["a body of data", { body: { a: 1 } }, /the body of whenRefused must be a string, got an object/],
    ["a name of two words", { headers: { "a b": "c" } }, /a header of whenRefused must be .*, got "a b"/],
    [
      "a header of two lines",
      { headers: { "x-a": "1\r\nset-cookie: b=1" } },
      /the header "x-a" of whenRefused must be one line/,
    ],
    ["a header in another script", { headers: { "x-a": "€" } }, /one line of Latin letters, got "€"/],
  ])("%s is an error that says so", async (_, answer, message) => {
    await expect(refused(() => answer)).rejects.toThrow(message);
  });

  test.each([204, 205, 304])("a status without a body (%d) has none", async (status) => {
    const answer = await refused(() => ({ status, body: "nothing" }));
    expect([answer.status, answer.body]).toEqual([status, null]);
  });
});

describe("onRefused", () => {
  const throws = () => {
    throw new Error("the log is full");
  };
  const rejects = () => Promise.reject(new Error("the log is full"));
  test.each([
    ["throws", "in a guard", throws, false, 429],
    ["rejects", "in a guard", rejects, false, 429],
    ["throws", "in a shadow", throws, true, 200],
    ["rejects", "in a shadow", rejects, true, 200],
  ])("that %s %s changes nothing, and is a warning", async (_, __, onRefused, shadow, status) => {
    const { send, warnings } = lab([CALLS], untyped({ onRefused, shadow }));
    await send();
    expect((await send()).status).toBe(status);
    await settled();
    expect(warnings.map(({ message }) => message)).toEqual(["the log is full"]);
  });
});

describe("usage", () => {
  const used = async (usage: () => unknown) => {
    const made = lab([BYTES, SLOTS], untyped({ cost: () => ({ bytes: 10 }), usage }));
    await (await made.send()).text();
    await settled();
    return [made.used("bytes"), made.used("slots"), made.warnings.map(({ message }) => message)];
  };

  test("that is none counts as requested, and is a warning", async () => {
    const warning = (got: string) => [
      `usage must be a function that returns amounts, 0 or more, and no promise of them, got ${got}`,
    ];
    expect(await used(() => ({ bytes: -5 }))).toEqual([10, 0, warning("an object")]);
    expect(await used(() => ({ bytes: Number.NaN }))).toEqual([10, 0, warning("an object")]);
    expect(await used(() => ({ bytes: "5" }))).toEqual([10, 0, warning("an object")]);
    expect(await used(() => 5)).toEqual([10, 0, warning("5")]);
    expect(await used(() => Promise.resolve({ bytes: 5 }))).toEqual([10, 0, warning("an object")]);
    expect(await used(() => Promise.reject(new Error("unheard")))).toEqual([10, 0, warning("an object")]);
    expect(await used(() => ({ bytes: undefined }))).toEqual([10, 0, []]);
    expect(await used(() => null)).toEqual([10, 0, []]);
  });

  test("leaves nothing held, also where the warning fails", async () => {
    const { limits } = lab([SLOTS]);
    const serve = guard(limits, {
      usage: () => {
        throw new Error("no usage");
      },
      onWarning: (warning) => {
        throw warning;
      },
    }).handler(() => new Response(null));
    await expect(serve(new Request("https://example.com/"))).rejects.toThrow("no usage");
    expect(limits.stats()["slots"]!.used).toBe(0);
  });
});

describe("the other ones", () => {
  const PER_IP = new CallLimit({ capacity: 1, windowMs: 1000, per: "ip" });
  const byAddress = ({ address }: { readonly address: string }) => ({ ip: address });

  test.each<[string, object, RegExp]>([
    ["a cost of null", { cost: () => null }, /a request must be an object of amounts, got null/],
    ["a cost of 5", { cost: () => 5 }, /a request must be an object of amounts, got 5/],
    ["a cost of NaN", { cost: () => ({ call_count: Number.NaN }) }, /got NaN/],
    ["a cost of -1", { cost: () => ({ call_count: -1 }) }, /got -1/],
    [
      "names: undefined",
      { by: () => undefined },
      /the names of partitions must be an object .*, got undefined/,
    ],
    [
      "names: null, awaited",
      { by: async () => null },
      /the names of partitions must be an object .*, got null/,
    ],
    ["a name of 42", { by: () => ({ ip: 42 }) }, /the name of "ip" must be a string, .*, got 42/],
    ["a name that is missing", { by: () => ({}) }, /the limit "call_count" is per "ip", and none is named/],
    ["an address of 5", { address: () => 5, by: byAddress }, /the option address says 5/],
    [
      "the promise of an address",
      { address: async () => "192.0.2.7", by: byAddress },
      /the option address says an object/,
    ],
    ["no address", { address: () => undefined, by: byAddress }, /the option address says none/],
  ])("%s is an error that shows what it got", async (_, options, message) => {
    const { send, limits } = lab([PER_IP], untyped(options));
    await expect(send()).rejects.toThrow(message);
    expect(limits.partitions).toMatchObject({ ip: { count: 0 } });
  });

  test("a handler that returns no answer is an error, and holds nothing", async () => {
    const { send, used } = lab([SLOTS], { answer: () => undefined as never });
    await expect(send()).rejects.toThrow(TypeError);
    expect(used("slots")).toBe(0);
  });
});

describe("tell", () => {
  test("that names no limit is an error at each request, which takes nothing", async () => {
    const { send, used } = lab([SLOTS], { tell: ["slot"] });
    for (const _ of [1, 2])
      await expect(send()).rejects.toThrow(/tell must be a list of keys of "slots", got "slot"/);
    expect(used("slots")).toBe(0);
  });

  test("that names a limit which a redefinition has dropped goes on without it", async () => {
    const { send, limits } = lab(
      [CALLS, new CallLimit({ key: "a_day", capacity: 9, windowMs: 86_400_000 })],
      {
        tell: ["call_count", "a_day"],
      },
    );
    await send();
    (limits as LimitSet).redefine([new CallLimit({ key: "a_day", capacity: 9, windowMs: 86_400_000 })]);
    expect((await send()).headers.get("ratelimit")).toBe('"a_day";r=7;t=9600');
  });
});
