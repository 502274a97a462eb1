/** The example for pages, in a browser. */
import type { Page } from "playwright-core";
import { describe, expect, onTestFinished } from "vitest";
import { allowanceFor } from "../../examples/browser/allowance.js";
import { startServer } from "../../examples/browser/server.js";
import { testIn } from "../installed.ts";
import { launchChromium } from "../runtimes/runtimes.ts";

const ALLOWED = allowanceFor(24).connections;

async function open(isolated: boolean) {
  const server = await startServer({ isolated });
  onTestFinished(() => server.close());
  const browser = await launchChromium();
  onTestFinished(() => browser.close());
  const page = (await browser.open("about:blank")) as unknown as Page;
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(message.text());
  });
  await page.goto(server.url);
  const number = async (id: string) => Number.parseInt((await page.textContent(`#${id}`)) ?? "", 10);
  return {
    server,
    page,
    errors,
    number,
    /** Waits until so many more calls are answered. */
    async calls(more: number) {
      const wanted = (await number("calls")) + more;
      await page.waitForFunction(
        (calls) => Number(document.getElementById("calls")!.textContent) >= calls,
        wanted,
      );
    },
    idle: () => page.waitForSelector("body[data-state=idle]"),
    ink: () => page.evaluate(inkOf) as Promise<number>,
  };
}

/** The number of the picture's points in the colour of the calls' line. Runs in the page. */
function inkOf(): number {
  const canvas = document.querySelector("canvas")!;
  const colour = getComputedStyle(canvas).getPropertyValue("--calls");
  // Read from a copy: reading from a canvas makes drawing on it slower, and browsers warn of that.
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", {
    willReadFrequently: true,
  })!;
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  let ink = 0;
  for (let i = 0; i < data.length; i += 4) {
    const hex = [data[i]!, data[i + 1]!, data[i + 2]!].map((part) => part.toString(16).padStart(2, "0"));
    if (`#${hex.join("")}` === colour) ink++;
  }
  return ink;
}

/** How many frames the page requests in a while. Runs in the page. */
async function framesOf(): Promise<number> {
  let frames = 0;
  const real = globalThis.requestAnimationFrame;
  globalThis.requestAnimationFrame = (callback) => {
    frames++;
    return real(callback);
  };
  await new Promise((resolve) => setTimeout(resolve, 200));
  globalThis.requestAnimationFrame = real;
  return frames;
}

describe.each([
  ["isolated: the workers share the page's memory", true],
  ["not isolated: the workers ask the page", false],
] as const)("a page that is %s", (_, isolated) => {
  testIn("chromium")("has workers that call a server with limits, and are never refused", async () => {
    const { server, page, errors, number, calls, idle, ink } = await open(isolated);
    expect(await page.textContent("#way")).toContain(isolated ? "is isolated" : "is not isolated");
    const before = await ink();

    await page.click("#start");
    await calls(20);
    expect(await page.evaluate(framesOf)).toBeGreaterThan(0);
    expect(server.seen.peak).toBeGreaterThan(1);
    expect(server.seen.peak).toBeLessThan(ALLOWED);
    expect(await ink()).toBeGreaterThan(before);

    await page.click("#kill");
    await page.waitForSelector("li.killed");
    await page.fill("#pace", "10");
    await calls(20);

    await page.click("#stop");
    await idle();
    expect(await number("held")).toBe(0);
    expect(await number("waiting")).toBe(0);
    expect(await number("refused")).toBe(0);
    expect(await page.evaluate(framesOf)).toBe(0);
    expect(await page.$$eval("li", (tiles) => tiles.map(({ className }) => className).sort())).toEqual([
      ...Array(5).fill("done"),
      "killed",
    ]);
    expect(server.seen.refused).toBe(0);
    expect(server.seen.peak).toBeLessThanOrEqual(ALLOWED);
    expect(server.seen.inProgress).toBe(0);
    expect(errors).toEqual([]);
  });

  testIn("chromium")(
    "a worker that is terminated gives back what it held, even if it was the last",
    async () => {
      const { server, page, errors, number, idle } = await open(isolated);
      await page.fill("#workers", "1");
      for (let turn = 1; turn <= 2; turn++) {
        await page.click("#start");
        await page.waitForSelector("li.calling");
        await page.click("#kill");
        await idle();
        expect(await page.$$eval("li", (tiles) => tiles.map(({ className }) => className))).toEqual([
          "killed",
        ]);
        expect(await number("held")).toBe(0);
      }
      expect(server.seen.refused).toBe(0);
      expect(errors).toEqual([]);
    },
  );
});
