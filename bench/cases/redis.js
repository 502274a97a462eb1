import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";

export const REDIS_ONE = "limitset, 1 limit: acquire 1";
export const REDIS_FOUR = "limitset, 4 limits: acquire 1 of each";
export const REDIS_PING = "floor: PING";
export const REDIS_FLEXIBLE = "rate-limiter-flexible: consume 1";
const FLOOR = "x PING";

const WAYS = {
  ping: REDIS_PING,
  one: REDIS_ONE,
  four: REDIS_FOUR,
  deep: "limitset, 1 limit with much debt: acquire 1e6",
  deepFour: "limitset, 4 limits with much debt: acquire 1e6 of each",
  flexible: REDIS_FLEXIBLE,
  bucket: "@upstash/ratelimit, token bucket: limit",
  window: "@upstash/ratelimit, fixed window: limit",
};

/**
 * A number of processes, and a number of requests that each has under way at a time; then how long a take of one limit, and of four, may
 * take beside one of `rate-limiter-flexible`.
 */
const LOADS = /** @type {const} */ ([
  [1, 1, [1.2, 1.35]],
  [1, 16, [0.65, 0.7]],
  [1, 64, [0.45, 0.6]],
  [4, 1, [1.2, 1.35]],
  [4, 16, [0.65, 0.7]],
  [4, 64, [0.45, 0.6]],
]);
export const SUFFIXES = LOADS.map(([processes, atATime, atMost]) => ({
  suffix: `, ${processes} x ${atATime} at a time`,
  atMost,
}));

/**
 * One hot key on a server on this machine, used by one process and by four. The section is empty where redis-server is missing.
 *
 * @returns {Promise<import("../measure.js").Section>}
 */
export async function redis() {
  const section = {
    title: "On a Redis server",
    work: "take from one key; the note says how many acquires a second all processes together had, calls of the server for each, and its own time for each",
    columns: [FLOOR],
    cases: /** @type {import("../measure.js").Case[]} */ ([]),
  };
  const port = await startServer();
  if (port === undefined) return section;
  const monitor = new Redis(port, "127.0.0.1");
  const clients = await Promise.all([1, 2, 3, 4].map(() => startClient(port)));
  for (const [i, [processes, atATime]] of LOADS.entries()) {
    const { suffix } = /** @type {(typeof SUFFIXES)[number]} */ (SUFFIXES[i]);
    for (const [what, title] of Object.entries(WAYS)) {
      section.cases.push({
        name: title + suffix,
        ...asked(clients.slice(0, processes), monitor, what, atATime),
        against: { [FLOOR]: REDIS_PING + suffix },
      });
    }
  }
  return section;
}

/** @returns {Promise<number | undefined>} */
async function startServer() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (probe.address());
  probe.close();
  const server = spawn("redis-server", ["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""], {
    stdio: "ignore",
  });
  process.once("exit", () => server.kill());
  const failed = once(server, "error").then(
    () => undefined,
    () => undefined,
  );
  const started = sleep(500).then(() => port);
  return Promise.race([failed, started]);
}

/** @typedef {import("node:child_process").ChildProcess} Client */

/** @param {number} port */
async function startClient(port) {
  const client = fork(fileURLToPath(new URL("./redis-client.js", import.meta.url)), [`${port}`]);
  process.once("exit", () => client.kill());
  await once(client, "message");
  return client;
}

/** @param {Client[]} clients @param {Redis} monitor @param {string} what @param {number} atATime */
function asked(clients, monitor, what, atATime) {
  /** @type {number[]} */
  const latencies = [];
  let calls = 0;
  let micros = 0;
  let acquires = 0;
  return {
    run: async (/** @type {number} */ n) => {
      const before = await scriptCalls(monitor);
      const shares = clients.map((_, i) => Math.floor((n + i) / clients.length));
      const reports = await Promise.all(
        clients.map(async (client, i) => {
          const answer = once(client, "message");
          client.send({ what, n: shares[i], atATime });
          return /** @type {{ done: number, latencies: number[] }} */ ((await answer)[0]);
        }),
      );
      const after = await scriptCalls(monitor);
      calls += after.calls - before.calls;
      micros += after.micros - before.micros;
      for (const report of reports) latencies.push(...report.latencies);
      const done = reports.reduce((sum, report) => sum + report.done, 0);
      acquires += done;
      return done;
    },
    note: (/** @type {number} */ ns) => {
      const sorted = latencies.sort((a, b) => a - b);
      const at = (/** @type {number} */ share) =>
        Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 1e3);
      const each =
        what === "ping"
          ? ""
          : `${(calls / acquires).toFixed(2)} calls each, ${(micros / acquires).toFixed(2)} us of the server, `;
      return `${Math.round(1e9 / ns).toLocaleString("en")} /s, ${each}p50 ${at(0.5)} us, p99 ${at(0.99)} us`;
    },
  };
}

/** The scripts that the server has run, and the microseconds that they took. @param {Redis} monitor */
async function scriptCalls(monitor) {
  const info = await monitor.info("commandstats");
  const sum = { calls: 0, micros: 0 };
  for (const [, calls, micros] of info.matchAll(/^cmdstat_eval(?:sha)?:calls=(\d+),usec=(\d+)/gm)) {
    sum.calls += Number(calls);
    sum.micros += Number(micros);
  }
  return sum;
}
