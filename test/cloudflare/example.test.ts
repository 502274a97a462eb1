import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { send } from "../../examples/cloudflare-durable/send.js";
import { testIn } from "../installed.ts";
import { startWorkerd } from "../runtimes/workerd.ts";

testIn("workerd")("the example answers all HTTP requests within one budget", async () => {
  const program = fileURLToPath(new URL("../../examples/cloudflare-durable/worker.js", import.meta.url));
  const workerd = await startWorkerd(program, { objects: { BUDGET: "Budget" } });
  onTestFinished(() => workerd.kill());
  const { served, stats } = await send(workerd.url, 60);
  expect(served).toBe(60);
  // Each of the 60 requests took 150 and used 100. A little has been refilled since.
  expect(stats.tokens.used).toBeGreaterThan(5_000);
  expect(stats.tokens.used).toBeLessThanOrEqual(6_000);
  expect(stats.connections.used).toBe(0);
  const attempt = () => fetch(`${workerd.url}/try?tokens=1`);
  while ((await attempt()).status !== 200) await sleep(20);
  const answers = await Promise.all(Array.from({ length: 40 }, attempt));
  const refused = answers.find(({ status }) => status === 429);
  expect(await refused?.text()).toContain("limited by");
});
