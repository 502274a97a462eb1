/** One guarded server, with its limits over ports, on a Redis server and in a Durable Object: the example, of which one line differs. */
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { startCluster } from "../../examples/guard/cluster.js";
import type { Capacities } from "../../examples/guard/limits.js";
import { Account } from "../../examples/per-user/ledger.js";
import { newStorage } from "../cloudflare/workerd.ts";
import { find, proves, testIn } from "../installed.ts";
import { RedisServer } from "../redis/server.ts";
import { startWorkerd } from "../runtimes/workerd.ts";
import { load, open, Reader, textOf } from "./load.ts";

const PROCESSES = 4;
const USERS = 40;
const ADDRESSES = 100;
// No call comes back while the tests run.
const WINDOW_MS = 1e12;

interface Started {
  readonly port: number;
  stop(): Promise<unknown>;
}

interface Kind {
  readonly name: string;
  readonly command: string;
  readonly requests: number;
  /** Whether the server is told that a client has gone. */
  readonly seesEnds: boolean;
  start(capacities: Capacities): Promise<Started>;
}

const storage = newStorage();
const KINDS: readonly Kind[] = [
  {
    name: "four processes, over ports",
    command: "node",
    requests: proves ? 20_000 : 2000,
    seesEnds: true,
    start: (capacities) => startCluster({ processes: PROCESSES, proxies: 1, ...capacities }),
  },
  {
    name: "four processes, on a Redis server",
    command: "redis-server",
    requests: proves ? 20_000 : 2000,
    seesEnds: true,
    async start(capacities) {
      const redis = await RedisServer.start();
      const to = { processes: PROCESSES, proxies: 1, redisPort: redis.port };
      const { port, stop } = await startCluster({ ...to, ...capacities });
      return { port, stop: () => stop().then(() => redis.stop()) };
    },
  },
  {
    name: "a Worker, in a Durable Object",
    command: "workerd",
    // Its storage is on a disk.
    requests: proves ? 8000 : 800,
    seesEnds: false,
    async start(capacities) {
      const program = fileURLToPath(new URL("../../examples/guard/worker.js", import.meta.url));
      const workerd = await startWorkerd(program, {
        objects: { LIMITS: "Limits" },
        storage,
        texts: { CAPACITIES: JSON.stringify(capacities), PROXIES: "1" },
      });
      return { port: Number(new URL(workerd.url).port), stop: () => workerd.kill() };
    },
  },
];

/** Of three, the second is greedy: it asks from few addresses, as few users. */
const userOf = (i: number) => (i % 3 === 1 ? i % 7 : (i * 31) % USERS);
const addressOf = (i: number) => (i % 3 === 1 ? (i * 13) % 9 : (i * 37) % ADDRESSES);
const headersOf = (i: number) => ({
  "x-user": `user ${userOf(i)}`,
  "x-forwarded-for": `203.0.113.${i % 256}, 198.51.100.${addressOf(i)}`,
});

describe.each(KINDS)("$name", ({ command, requests, seesEnds, start }) => {
  const testHere = testIn(command);
  const calls = 0.65 * requests;
  const user = (0.9 * requests) / USERS;
  const ip = (2 * requests) / ADDRESSES;
  const SLOTS = 3;
  let many: Started;
  let few: Started;
  beforeAll(async () => {
    if (!find(command)) return;
    many = await start({ calls, user, ip, slots: 1000, windowMs: WINDOW_MS });
  }, 60_000);
  afterAll(() => Promise.all([many?.stop(), few?.stop()]));

  testHere(
    `of ${requests} HTTP requests exactly those pass that the limits allow`,
    { timeout: 300_000 },
    async () => {
      const all = new Account("calls", calls, WINDOW_MS);
      const users = Array.from({ length: USERS }, () => new Account("per_user", user, WINDOW_MS));
      const addresses = Array.from({ length: ADDRESSES }, () => new Account("per_ip", ip, WINDOW_MS));
      const counts = { passed: 0, refused: 0, unsure: 0 };
      await load(
        many.port,
        requests,
        { connections: 8, ahead: 5 },
        (i) => ({ path: "/", headers: headersOf(i) }),
        (i, { status, head, body }) => {
          expect([200, 429]).toContain(status);
          const limitedBy = status === 200 ? [] : policiesIn(body);
          // A limit is named by each refusal. On a busy machine some have waited for an answer of the limits as long as they may: these pass.
          expect(limitedBy.length > 0).toBe(status === 429);
          const isUnsure = !/\r\nratelimit: /i.test(head);
          counts[isUnsure ? "unsure" : status === 200 ? "passed" : "refused"]++;
          if (isUnsure) return;
          // No call comes back: it does not matter when it was.
          const entry = { sent: 0, heard: 0, limitedBy };
          for (const account of [all, users[userOf(i)]!, addresses[addressOf(i)]!]) account.add(entry);
        },
      );
      expect(counts.passed + counts.refused + counts.unsure).toBe(requests);
      expect(counts.passed).toBeLessThanOrEqual(calls);
      expect(counts.passed).toBeGreaterThanOrEqual(calls - counts.unsure);
      expect(counts.unsure).toBeLessThan(requests / 10);
      for (const account of [all, ...users, ...addresses]) {
        expect([account.beyond(), account.wronged()]).toEqual([0, 0]);
      }
      for (const some of [users, addresses]) {
        expect(some.reduce((sum, { refused }) => sum + refused, 0)).toBeGreaterThan(0);
      }
    },
  );

  testHere("what is in flight is shared, and comes back", { timeout: 120_000 }, async () => {
    await many.stop();
    few = await start({ calls: 1e6, user: 1e6, ip: 1e6, slots: SLOTS, windowMs: WINDOW_MS });
    const slowOnes = async () => {
      const answers = await Promise.all(Array.from({ length: SLOTS + 1 }, () => ask(few.port, "/?ms=700")));
      return answers.map(({ status, body }) => (status === 200 ? "passed" : policiesIn(body)[0])).sort();
    };
    const seen = ["in_flight", ...Array.from({ length: SLOTS }, () => "passed")];
    await expect.poll(slowOnes, { timeout: 20_000 }).toEqual(seen);
    if (seesEnds) {
      const gone: Socket[] = [];
      const holdOneMore = async () => {
        const socket = await open(few.port);
        gone.push(socket);
        socket.write(textOf({ path: "/?ms=600000", headers: headersOf(2) }));
        const { status, body } = await ask(few.port, "/");
        return status === 200 ? [] : policiesIn(body);
      };
      await expect.poll(holdOneMore, { timeout: 20_000 }).toEqual(["in_flight"]);
      for (const socket of gone) socket.destroy();
    }
    await expect.poll(async () => (await ask(few.port, "/")).status, { timeout: 20_000 }).toBe(200);
    await expect.poll(slowOnes, { timeout: 20_000 }).toEqual(seen);
  });
});

/** The limits that a problem document names. */
const policiesIn = (body: string): string[] => JSON.parse(body)["violated-policies"];

async function ask(port: number, path: string) {
  const socket = await open(port);
  try {
    socket.write(textOf({ path, headers: headersOf(2) }));
    return await new Reader(socket).next();
  } finally {
    socket.destroy();
  }
}
