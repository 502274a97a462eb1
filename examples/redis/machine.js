// One machine of the fleet: calls a slow API as often as the budget lets it.
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { openBudget } from "./budget.js";

const [port, seconds] = process.argv.slice(2).map(Number);
const client = new Redis(port ?? 6379, "127.0.0.1");
const budget = openBudget(client);
const report = { calls: 0, tokens: 0 };
const end = performance.now() + (seconds ?? 1) * 1000;

async function work() {
  while (performance.now() < end) {
    await budget.run({ tokens: 200 }, async (acquisition) => {
      const used = 50 + Math.floor(Math.random() * 150);
      // The work is aborted when the lease is lost, since another machine may then have the connection.
      await sleep(20 + Math.random() * 20, undefined, { signal: acquisition.signal });
      acquisition.update({ tokens: used });
      report.calls++;
      report.tokens += used;
      process.send?.(report);
    });
  }
}

await Promise.all([work(), work(), work(), work()]);
await budget.close();
client.disconnect();
process.disconnect?.();
