/** The way to an object that is not there, not yet there again, or has too much to do. */
import { describe, expect, it, vi } from "vitest";
import {
  connectDurable,
  LimitSetObject,
  type ObjectNamespace,
  type ObjectState,
} from "../../src/cloudflare/index.ts";
import type { Remote } from "../../src/cloudflare/protocol.ts";
import { BackendUnavailableError, InvalidRequestError } from "../../src/index.ts";

const facts = {
  seal: "1",
  limits: [{ type: "rate", key: "tokens", capacity: 10, windowMs: 1000 }],
  config: {},
  missingUpdate: "throw",
  leaseMs: 30_000,
} as const;

/** A namespace whose objects do as told, and how often one was asked for. */
function namespaceOf(remote: () => Partial<Remote>): ObjectNamespace & { stubs: number } {
  return {
    stubs: 0,
    idFromName: (name) => name,
    get() {
      this.stubs++;
      return remote();
    },
  };
}

const trouble = (message: string, fields: object) => Object.assign(new Error(message), fields);
const never = new Promise<never>(() => {});

/** Rejects with what it rejects with, while time passes that is nobody's. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  const failed = promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return failed;
}

describe("an object", () => {
  it("that restarts is asked again, by a way of its own", async () => {
    let calls = 0;
    const namespace = namespaceOf(() => ({
      async describe() {
        if (++calls < 4) throw trouble("reset", { remote: true, durableObjectReset: true });
        return { kind: "facts", facts };
      },
    }));
    const limits = connectDurable(namespace, "one");
    await limits.ready;
    expect(limits.keys).toEqual(["tokens"]);
    expect(namespace.stubs).toBe(4);
  });

  it("that has more to do than it can is not asked again", async () => {
    const namespace = namespaceOf(() => ({
      describe: async () => Promise.reject(trouble("too many", { overloaded: true, retryable: true })),
    }));
    await expect(connectDurable(namespace, "one").ready).rejects.toThrow(BackendUnavailableError);
    expect(namespace.stubs).toBe(1);
  });

  it("that throws is not asked again", async () => {
    const namespace = namespaceOf(() => ({
      inspect: async () => Promise.reject(trouble("a bug", { remote: true })),
    }));
    await expect(connectDurable(namespace, "one").stats()).rejects.toThrow("cannot be reached: a bug");
    expect(namespace.stubs).toBe(1);
  });

  it("that cannot be reached, or does not answer, is given up after the deadline", async () => {
    vi.useFakeTimers();
    try {
      const gone = namespaceOf(() => ({
        inspect: async () => Promise.reject(new Error("Network connection lost.")),
      }));
      expect(await failure(connectDurable(gone, "gone").stats())).toBeInstanceOf(BackendUnavailableError);
      expect(gone.stubs).toBeGreaterThan(3);
      const silent = namespaceOf(() => ({ inspect: () => never }));
      const error = await failure(connectDurable(silent, "silent", { deadlineMs: 50 }).stats());
      expect((error as Error).message).toBe('the object "silent" has not answered within 50 ms');
      const ticket = Object.assign(never, { outcome: () => never });
      const stuck = namespaceOf(() => ({ enter: () => ticket as never }));
      expect(await failure(connectDurable(stuck, "stuck").acquire())).toBeInstanceOf(BackendUnavailableError);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("what makes no sense", () => {
  const namespace = namespaceOf(() => ({ describe: async () => ({ kind: "facts", facts }) }));

  it("is no namespace, no name, no deadline", () => {
    expect(() => connectDurable({} as ObjectNamespace, "one")).toThrow(
      "a binding such as env.BUDGET, got an object",
    );
    expect(() => connectDurable(namespace, "")).toThrow(InvalidRequestError);
    expect(() => connectDurable(namespace, "one", { deadlineMs: 0 })).toThrow("above 0");
  });

  it("needs no call, once the limits are known", async () => {
    const limits = connectDurable<"tokens">(namespace, "one");
    expect(() => limits.keys).toThrow("await limits.ready");
    await limits.ready;
    await expect(limits.acquire({ tokens: 11 })).rejects.toThrow(InvalidRequestError);
    await expect(limits.tryAcquire({ tokens: "1" as never })).rejects.toThrow('the amount of "tokens"');
    // By other connections too.
    expect(connectDurable(namespace, "one").keys).toEqual(["tokens"]);
  });

  it("is an object outside of workerd", () => {
    expect(() => new LimitSetObject({} as ObjectState, {})).toThrow(
      expect.objectContaining({ code: "ERR_CANNOT_HOST" }),
    );
  });
});
