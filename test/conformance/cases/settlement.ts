import { expect } from "vitest";
import {
  AcquisitionReleasedError,
  InvalidRequestError,
  UsageExceedsRequestedError,
  UsageNotReportedError,
} from "../../../src/index.ts";
import type { Theme } from "../harness.ts";
import { calls, failure, rate, resource, take, used } from "../tools.ts";

type Key = "call_count" | "tokens" | "bytes" | "connections";

const LIMITS = [
  calls(10, 60_000),
  rate("tokens", 200, 60_000),
  rate("bytes", 200, 60_000),
  resource("connections", 4),
] as const;

/** Wrong updates of an acquisition of 100 tokens, with their errors. */
const WRONG: readonly (readonly [
  title: string,
  usage: Partial<Record<Key, unknown>>,
  key: string,
  error: new (...args: never) => Error,
])[] = [
  ["more than was requested", { tokens: 101 }, "tokens", UsageExceedsRequestedError],
  ["a rate limit that was not taken", { bytes: 1 }, "bytes", UsageExceedsRequestedError],
  ["a negative amount", { tokens: -1 }, "tokens", InvalidRequestError],
  ["NaN", { tokens: Number.NaN }, "tokens", InvalidRequestError],
  ["a fraction of a unit", { tokens: 1.5 }, "tokens", InvalidRequestError],
  ["a resource limit", { connections: 1 }, "connections", InvalidRequestError],
  ["an unknown key", { tokns: 1 } as object, "tokns", InvalidRequestError],
];

export const settlement: Theme = ({ it }) => {
  it("release throws for a rate limit without reported usage, names it, and gives back resources", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100, bytes: 50, connections: 3 });
    await acq.update({ tokens: 30 });
    const error = await failure(() => acq.release());
    expect(error).toBeInstanceOf(UsageNotReportedError);
    expect(error.message).toContain("bytes");
    expect(error.message).not.toContain("tokens");
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 30, bytes: 50, connections: 0 });
  });

  it("release without an update names all rate limits, and charges them in full", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100, bytes: 50 });
    const error = await failure(() => acq.release());
    expect(error).toBeInstanceOf(UsageNotReportedError);
    expect(error.message).toMatch(/tokens.*bytes|bytes.*tokens/s);
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 100, bytes: 50, connections: 0 });
  });

  it("release charges a rate limit without reported usage in full, and does not throw, if missingUpdate is charge", async (create) => {
    const { limits } = await create(LIMITS, { missingUpdate: "charge" });
    const acq = await limits.acquire({ tokens: 100, bytes: 50 });
    await acq.update({ bytes: 20 });
    await acq.release();
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 100, bytes: 20, connections: 0 });
  });

  it("calls and resources need no update", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ call_count: 5, connections: 2 });
    await acq.release();
    expect(await used(limits)).toEqual({ call_count: 5, tokens: 0, bytes: 0, connections: 0 });
  });

  it("a rate limit of which 0 was requested needs no update", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 0 });
    await acq.release();
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 0, bytes: 0, connections: 0 });
  });

  it("an update of 0 reports that nothing was used", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await acq.update({ tokens: 0 });
    await acq.release();
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 0, bytes: 0, connections: 0 });
  });

  it("an update may report calls, and unused calls are refunded", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ call_count: 5, connections: 0 });
    await acq.update({ call_count: 3 });
    await acq.release();
    expect(await used(limits)).toMatchObject({ call_count: 3 });
  });

  it("an update after the release is an error, and changes nothing", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await acq.update({ tokens: 80 });
    await acq.release();
    expect(await failure(() => acq.update({ tokens: 10 }))).toBeInstanceOf(AcquisitionReleasedError);
    expect(await used(limits)).toMatchObject({ tokens: 80 });
  });

  it("a second release does nothing", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100, connections: 2 });
    await acq.update({ tokens: 40 });
    await acq.release();
    await take(limits, { connections: 2 });
    const before = await used(limits);
    await acq.release();
    expect(await used(limits)).toEqual(before);
  });

  it("a second release does not throw, even if the first has thrown", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await failure(() => acq.release());
    await acq.release();
    expect(await used(limits)).toMatchObject({ tokens: 100, connections: 0 });
  });

  it("an update may report some keys, and the last report of a key counts", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100, bytes: 100 });
    await acq.update({ tokens: 50 });
    await acq.update({ bytes: 70 });
    await acq.update({ tokens: 80 });
    await acq.release();
    expect(await used(limits)).toMatchObject({ tokens: 80, bytes: 70 });
    await acq.release();
    expect(await used(limits)).toMatchObject({ tokens: 80, bytes: 70 });
  });

  for (const [title, usage, key, kind] of WRONG) {
    it(`an update of ${title} is an error that names the key, and changes nothing`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.acquire({ tokens: 100 });
      const error = await failure(() => acq.update(usage as Partial<Record<Key, number>>));
      expect(error).toBeInstanceOf(kind);
      expect(error.message).toContain(key);
      // The update counts as no report: the release still misses the usage.
      expect(await failure(() => acq.release())).toBeInstanceOf(UsageNotReportedError);
      expect(await used(limits)).toMatchObject({ tokens: 100, bytes: 0, connections: 0 });
    });
  }

  it("an update names nothing by what is undefined", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await acq.update({ tokens: 30 });
    await acq.update({
      tokens: undefined,
      bytes: undefined,
      connections: undefined,
      whatever: undefined,
    } as object);
    await acq.release();
    expect(await used(limits)).toEqual({ call_count: 1, tokens: 30, bytes: 0, connections: 0 });
  });

  it("an update of more calls than were requested advises what a call limit has", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 1 });
    const ofCalls = await failure(() => acq.update({ call_count: 5 }));
    expect(ofCalls).toBeInstanceOf(UsageExceedsRequestedError);
    expect(ofCalls.message).toBe('usage of "call_count" is 5 but 1 was requested; request more');
    const ofTokens = await failure(() => acq.update({ tokens: 5 }));
    expect(ofTokens.message).toContain('overage: "debt"');
  });

  it("an update above the request does not replace the update before it", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await acq.update({ tokens: 60 });
    expect(await failure(() => acq.update({ tokens: 150 }))).toBeInstanceOf(UsageExceedsRequestedError);
    await acq.release();
    expect(await used(limits)).toMatchObject({ tokens: 60 });
  });

  for (const usage of [
    { tokens: 10, bytes: 150 },
    { bytes: 150, tokens: 10 },
  ]) {
    it(`an update with a wrong value for one key changes no key (${Object.keys(usage)})`, async (create) => {
      const { limits } = await create(LIMITS);
      const acq = await limits.acquire({ tokens: 100, bytes: 100 });
      const error = await failure(() => acq.update(usage));
      expect(error).toBeInstanceOf(UsageExceedsRequestedError);
      expect(error.message).toContain("bytes");
      expect(error.message).toContain("150");
      expect(error.message).toContain("100");
      await acq.update({ bytes: 100 });
      const missing = await failure(() => acq.release());
      expect(missing).toBeInstanceOf(UsageNotReportedError);
      expect(missing.message).toContain("tokens");
      expect(await used(limits)).toMatchObject({ tokens: 100, bytes: 100 });
    });
  }

  it("an update may report 0 for a rate limit that was not taken", async (create) => {
    const { limits } = await create(LIMITS);
    const acq = await limits.acquire({ tokens: 100 });
    await acq.update({ tokens: 100, bytes: 0 });
    await acq.release();
    expect(await used(limits)).toMatchObject({ tokens: 100, bytes: 0 });
  });
};
