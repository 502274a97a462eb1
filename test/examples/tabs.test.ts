/** The example for tabs, in a browser. */
import { expect, onTestFinished } from "vitest";
import { ALLOWED } from "../../examples/tabs/limits.js";
import { startServer } from "../../examples/tabs/server.js";
import { testIn } from "../installed.ts";
import { launchChromium } from "../runtimes/runtimes.ts";

testIn("chromium")(
  "two tabs call a server as often as it allows, and no more, also when one is closed in mid-call",
  { timeout: 60_000 },
  async () => {
    const server = await startServer();
    onTestFinished(() => server.close());
    const browser = await launchChromium();
    onTestFinished(() => browser.close());
    // A machine that is busy with other tests delays calls by more than the example's 100 ms.
    const address = `${server.url}/?margin=300`;
    const tabs = [await browser.open(address), await browser.open(address)] as const;
    const calls = async (tab: (typeof tabs)[number]) =>
      Number(await tab.evaluate("document.getElementById('calls').textContent"));
    for (const tab of tabs) await tab.evaluate("document.getElementById('start').click()");
    await expect.poll(() => server.seen.arrivals.length, { timeout: 20_000 }).toBeGreaterThanOrEqual(16);
    expect(await calls(tabs[0])).toBeGreaterThan(0);
    expect(await calls(tabs[1])).toBeGreaterThan(0);
    expect([server.seen.peak, server.seen.refused]).toEqual([ALLOWED.connections, 0]);

    // Both connections are in use at some time soon: the tab is closed in the middle of a call.
    await expect.poll(() => server.seen.inProgress, { interval: 5 }).toBe(ALLOWED.connections);
    await tabs[0].close();
    const before = server.seen.arrivals.length;
    await expect
      .poll(() => server.seen.arrivals.length, { timeout: 40_000 })
      .toBeGreaterThanOrEqual(before + 10);
    const { arrivals } = server.seen;
    const soonest = Math.min(...arrivals.slice(ALLOWED.calls).map((at, i) => at - arrivals[i]!));
    expect(soonest).toBeGreaterThan(ALLOWED.windowMs);
    await tabs[1].close();
    await expect.poll(() => server.seen.inProgress).toBe(0);
  },
);
