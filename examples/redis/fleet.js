// Several processes stand for machines that spend one budget on a Redis server. See README.md.
import { fork, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { openBudget } from "./budget.js";

const { values } = parseArgs({
  options: {
    port: { type: "string" },
    machines: { type: "string", default: "4" },
    seconds: { type: "string", default: "3" },
    kill: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
const port = values.port === undefined ? await startServer() : Number(values.port);
const client = new Redis(port, "127.0.0.1", { retryStrategy: () => 50 });
client.on("error", () => {});
const budget = openBudget(client);
// The server may still be starting.
while (!(await budget.stats().catch(() => undefined)));

const program = fileURLToPath(new URL("./machine.js", import.meta.url));
const machines = Array.from({ length: Number(values.machines) }, () =>
  fork(program, [String(port), String(seconds)]),
);
const start = performance.now();
if (values.kill) {
  const victim = machines[0];
  setTimeout(() => victim?.kill("SIGKILL"), (seconds * 1000) / 2);
}

let most = 0;
const watch = setInterval(async () => {
  const { connections } = await budget.stats();
  most = Math.max(most, connections.used);
}, 50);

const reports = await Promise.all(
  machines.map(async (machine) => {
    let done = { calls: 0, tokens: 0 };
    machine.on("message", (report) => {
      done = /** @type {typeof done} */ (report);
    });
    const [, signal] = await once(machine, "exit");
    return { ...done, name: `process ${machine.pid}${signal ? ` (${signal})` : ""}` };
  }),
);
const elapsed = (performance.now() - start) / 1000;
clearInterval(watch);

for (const { name, calls, tokens } of reports) console.log(`${name}: ${calls} calls, ${tokens} tokens`);
const tokens = reports.reduce((sum, report) => sum + report.tokens, 0);
const { tokens: rate, connections } = await budget.stats();
// A full bucket, and the amount that has refilled since.
const allowed = rate.capacity + (rate.capacity / (rate.windowMs ?? 1)) * 1000 * elapsed;
console.log(`together ${tokens} of at most ${Math.floor(allowed)} tokens in ${elapsed.toFixed(1)} s`);
console.log(`connections at most ${most} of ${connections.capacity}`);
if (values.kill) {
  const free = performance.now();
  const all = await budget.acquire({ connections: connections.capacity, tokens: 0, call_count: 0 });
  console.log(`all connections are back ${((performance.now() - free) / 1000).toFixed(1)} s after the end`);
  all.release();
} else {
  console.log(`connections still held ${connections.used}`);
}
if (tokens > allowed || most > connections.capacity) process.exitCode = 1;
await budget.close();
client.disconnect();

/** Starts a server for this program alone. */
async function startServer() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (probe.address());
  probe.close();
  const settings = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
  const server = spawn("redis-server", ["--port", `${address.port}`, ...settings], { stdio: "ignore" });
  server.on("error", () => {
    console.error("redis-server is not installed; --port names one that runs");
    process.exit(1);
  });
  process.once("exit", () => server.kill());
  server.unref();
  return address.port;
}
