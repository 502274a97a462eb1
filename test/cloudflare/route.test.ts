/** The route to an object that is out of reach, restarts or is overloaded. */
import { describe, expect, it, vi } from "vitest";
import {
  connectDurable,
  LimitSetObject,
  type ObjectNamespace,
  type ObjectState,
} from "../../src/cloudflare/index.ts";
import type { ObjectStub } from "../../src/cloudflare/protocol.ts";
import { BackendUnavailableError, InvalidRequestError } from "../../src/index.ts";

const description = {
  id: "1",
  limits: [{ type: "rate", key: "tokens", capacity: 10, windowMs: 1000 }],
  config: {},
  missingUpdate: "throw",
  leaseMs: 30_000,
} as const;

/** A namespace whose stubs `remote` makes. It counts them. */
function namespaceOf(remote: () => Partial<ObjectStub>): ObjectNamespace & { stubs: number } {
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

/** The error with which a promise rejects within a minute of fake time. */
async function failure(promise: Promise<unknown>): Promise<unknown> {
  const failed = promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(60_000);
  return failed;
}

describe("a connection to an object", () => {
  it("calls an object that restarts again, each time through a new stub", async () => {
    let calls = 0;
    const namespace = namespaceOf(() => ({
      async describe() {
        if (++calls < 4) throw trouble("reset", { remote: true, durableObjectReset: true });
        return { kind: "described", description };
      },
    }));
    const limits = connectDurable(namespace, "one");
    await limits.ready;
    expect(limits.keys).toEqual(["tokens"]);
    expect(namespace.stubs).toBe(4);
  });

  it("tells how many of its requests wait, and how many partitions there are", async () => {
    const counts = { user: { count: 2, max: 9, shared: false } };
    const namespace = namespaceOf(() => ({
      describe: async () => ({ kind: "described", description }),
      count: async () => ({ kind: "counted", counts }),
      enter: () => Object.assign(never, { outcome: () => never }),
    }));
    const limits = connectDurable<"tokens">(namespace, "one");
    expect(await limits.partitions).toEqual(counts);
    await limits.ready;
    const waits = [
      limits.acquire({ tokens: 1 }),
      limits.acquire({ tokens: 1 }),
      limits.tryAcquire({ tokens: 1 }),
    ];
    for (const wait of waits) wait.catch(() => {});
    await vi.waitFor(() => expect(limits.waiting).toBe(2));
    await limits.close();
    await Promise.allSettled(waits);
    expect(limits.waiting).toBe(0);
  });

  it("does not run a body whose signal has aborted since the grant", async () => {
    const controller = new AbortController();
    const released: unknown[] = [];
    const namespace = namespaceOf(() => ({
      enter: (() => {
        const target = {
          async outcome() {
            controller.abort("enough");
            return { kind: "granted", units: [4], description };
          },
        };
        return Object.assign(Promise.resolve(target), target);
      }) as never,
      cancel: async () => {},
      async release(_id, usage) {
        released.push(usage);
      },
    }));
    const limits = connectDurable<"tokens">(namespace, "aborted");
    const running = limits.run({ tokens: 4 }, () => expect.unreachable(), { signal: controller.signal });
    await expect(running).rejects.toBe("enough");
    expect(released).toEqual([{ tokens: 0 }]);
  });

  it("does not call an overloaded object again", async () => {
    const namespace = namespaceOf(() => ({
      describe: async () => Promise.reject(trouble("too many", { overloaded: true, retryable: true })),
    }));
    await expect(connectDurable(namespace, "one").ready).rejects.toThrow(BackendUnavailableError);
    expect(namespace.stubs).toBe(1);
  });

  it("does not call an object again that has thrown", async () => {
    const namespace = namespaceOf(() => ({
      inspect: async () => Promise.reject(trouble("a bug", { remote: true })),
    }));
    await expect(connectDurable(namespace, "one").stats()).rejects.toThrow("cannot be reached: a bug");
    expect(namespace.stubs).toBe(1);
  });

  it("gives up an object that is out of reach or silent for deadlineMs", async () => {
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
      const stub = Object.assign(never, { outcome: () => never });
      const stuck = namespaceOf(() => ({ enter: () => stub as never }));
      expect(await failure(connectDurable(stuck, "stuck").acquire())).toBeInstanceOf(BackendUnavailableError);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("an argument that makes no sense", () => {
  const namespace = namespaceOf(() => ({ describe: async () => ({ kind: "described", description }) }));

  it("is refused by connectDurable, which names it", () => {
    expect(() => connectDurable({} as ObjectNamespace, "one")).toThrow(
      "a binding such as env.BUDGET, got an object",
    );
    expect(() => connectDurable(namespace, "")).toThrow(InvalidRequestError);
    expect(() => connectDurable(namespace, "one", { deadlineMs: 0 })).toThrow("above 0");
  });

  it("is refused without a call of the object once the limits are known", async () => {
    const limits = connectDurable<"tokens">(namespace, "one");
    expect(() => limits.keys).toThrow("await limits.ready");
    await limits.ready;
    await expect(limits.acquire({ tokens: 11 })).rejects.toThrow(InvalidRequestError);
    await expect(limits.tryAcquire({ tokens: "1" as never })).rejects.toThrow('the amount of "tokens"');
    // Another connection knows them too.
    expect(connectDurable(namespace, "one").keys).toEqual(["tokens"]);
  });
});

it("a LimitSetObject cannot be constructed outside of workerd", () => {
  expect(() => new LimitSetObject({} as ObjectState, {})).toThrow(
    expect.objectContaining({ code: "ERR_CANNOT_HOST" }),
  );
});
