import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type * as limitset from "../../src/index.ts";

/** Every memory that was made, so that a test can see how much of it closing gives back. */
const memories: WebAssembly.Memory[] = [];
let library: typeof limitset;

class ObservedMemory extends WebAssembly.Memory {
  constructor(descriptor: WebAssembly.MemoryDescriptor) {
    super(descriptor);
    memories.push(this);
  }
}

beforeAll(() => {
  vi.stubGlobal("WebAssembly", new Proxy(WebAssembly, { get: (target, name) => observed(target, name) }));
});
beforeEach(startAnew);
afterAll(() => {
  vi.unstubAllGlobals();
});

/** The memory belongs to the module: a fresh one starts without. */
async function startAnew(): Promise<void> {
  memories.length = 0;
  vi.resetModules();
  library = await import("../../src/index.ts");
}

function shuffled<T>(sets: readonly T[]): { limits: T }[] {
  return sets.map((limits, i) => ({ limits, at: (i * 7919) % 20_011 })).sort((a, b) => a.at - b.at);
}

function observed(target: typeof WebAssembly, name: string | symbol): unknown {
  return name === "Memory" ? ObservedMemory : Reflect.get(target, name);
}

const bytes = () => memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
const isShared = () => memories.map(({ buffer }) => buffer instanceof SharedArrayBuffer);

function make(shared?: boolean) {
  const { LimitSet, RateLimit, ResourceLimit } = library;
  return new LimitSet({
    limits: [
      new RateLimit({ key: "log", capacity: 100, windowMs: 1000, algorithm: "sliding-window" }),
      new RateLimit({ key: "tokens", capacity: 100, windowMs: 1000 }),
      new ResourceLimit({ key: "db", capacity: 3 }),
    ],
    ...(shared !== undefined && { shared }),
  });
}

describe("which memory", () => {
  test("importing the library makes none", () => {
    expect(memories).toEqual([]);
  });

  test.each([
    [undefined, true],
    [true, true],
    [false, false],
  ])("shared: %s", (shared, expected) => {
    make(shared).tryAcquire({ tokens: 1 });
    expect(isShared()).toEqual([expected]);
  });

  test("where it cannot be shared it is private, and all works", async () => {
    const available = SharedArrayBuffer;
    vi.stubGlobal("SharedArrayBuffer", undefined);
    try {
      vi.resetModules();
      library = await import("../../src/index.ts");
      const limits = make();
      expect(limits.tryAcquire({ tokens: 100 }).successful).toBe(true);
      expect(limits.tryAcquire({ tokens: 100 }).successful).toBe(false);
      expect(memories.map(({ buffer }) => buffer instanceof ArrayBuffer)).toEqual([true]);
    } finally {
      vi.stubGlobal("SharedArrayBuffer", available);
    }
  });
});

describe.each([true, false])("10,000 sets with shared: %s", (shared) => {
  const crowd = () => Array.from({ length: 10_000 }, () => make(shared));

  test("stand in one memory, and each keeps its own state", () => {
    const sets = crowd();
    expect(memories).toHaveLength(1);
    sets.forEach((limits, i) => {
      limits.tryAcquire({ tokens: 1 + (i % 100), log: 1 });
    });
    const wrong = sets.filter((limits, i) => {
      const { tokens, log, db } = limits.stats();
      // Real time passes meanwhile: the bucket may have refilled, the amounts of the others may not have changed.
      return tokens.used > 1 + (i % 100) || log.used > 1 || db.used !== 1;
    });
    expect(wrong).toHaveLength(0);
    for (const limits of sets) limits.close();
  });

  test("give their memory back when they are closed", () => {
    const peaks = [1, 2, 3, 4].map(() => {
      const sets = crowd();
      const peak = Math.max(...memories.map(({ buffer }) => buffer.byteLength));
      for (const limits of sets) limits.close();
      return peak;
    });
    expect(peaks).toEqual(Array(4).fill(peaks[0]));
  });

  test("closed in any order they give it back whole", () => {
    const peaks = [1, 2, 3].map(() => {
      const sets = crowd();
      const peak = Math.max(...memories.map(({ buffer }) => buffer.byteLength));
      for (const { limits } of shuffled(sets)) limits.close();
      return peak;
    });
    expect(peaks).toEqual(Array(3).fill(peaks[0]));
  });

  test("one after the other need the memory of one", () => {
    make(shared).close();
    const before = bytes();
    for (let i = 0; i < 10_000; i++) make(shared).close();
    expect(bytes()).toBe(before);
  });

  test("regions side by side come back as one piece", async () => {
    const small = () => new library.LimitSet({ shared });
    const large = () => make(shared);
    /** Sets that nearly fill a memory of 8 MiB, and the bytes that they need. */
    const fill = async (one: typeof small | typeof large) => {
      await startAnew();
      let count = 0;
      for (; bytes() <= 2 ** 22; count++) one();
      const more = Math.floor(count * 0.9);
      for (let i = 0; i < more; i++) one();
      return { count: count + more, needed: bytes() };
    };
    const ofSmall = await fill(small);
    const ofLarge = await fill(large);

    await startAnew();
    const sets = Array.from({ length: ofSmall.count }, small);
    // One stays open, so that the memory is not simply dropped when it is empty.
    sets.shift();
    for (const { limits } of shuffled(sets)) limits.close();
    for (let i = 0; i < ofLarge.count; i++) large();
    expect(bytes()).toBe(Math.max(ofSmall.needed, ofLarge.needed));
  });
});
