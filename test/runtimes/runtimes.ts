/** The runtimes besides this one, and how the tests drive them. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import puppeteer from "puppeteer-core";
import { find } from "../installed.ts";
import { launchSharingWebKit, launchWebKit } from "./webkit.ts";

const here = fileURLToPath(new URL("./", import.meta.url));
const ARGS: Record<string, readonly string[]> = { deno: ["run", "-A"] };

/** The arguments of a runtime before the name of a program. */
export const argsOf = (command: string): readonly string[] => ARGS[command] ?? [];

/** Runs a program on the command line, and returns the JSON that it prints. Rejects if it fails or does not end. */
export async function runWith(
  command: string,
  program: string,
  ...more: readonly string[]
): Promise<Record<string, unknown>> {
  const args = [...argsOf(command), join(here, program), ...more];
  const { stdout } = await promisify(execFile)(find(command)!, args, { timeout: 50_000 });
  return JSON.parse(stdout);
}

export function start(command: string, program: string, ...args: string[]): ChildProcess {
  return spawn(find(command)!, [...argsOf(command), join(here, program), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
}

export interface Visit {
  readonly version: string;
  readonly seen: Record<string, unknown>;
}

/** A page of any browser. */
export interface Page {
  evaluate(code: string): Promise<unknown>;
  close(): Promise<void>;
}

export interface Browser {
  readonly version: string;
  open(url: string): Promise<Page>;
  close(): Promise<void>;
}

/** Starts a browser with a profile of its own. */
export type Launch = () => Promise<Browser>;

export const launchChromium: Launch = async () => {
  const quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];
  const browser = await chromium.launch({
    executablePath: find("chromium")!,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", ...quiet],
  });
  // Pages of one context are tabs of one browser.
  const context = await browser.newContext();
  return {
    version: `Chromium ${browser.version()}`,
    async open(url) {
      const page = await context.newPage();
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
};

export const launchFirefox: Launch = async () => {
  const browser = await puppeteer.launch({
    browser: "firefox",
    protocol: "webDriverBiDi",
    executablePath: find("firefox-esr")!,
  });
  return {
    version: await browser.version(),
    async open(url) {
      const page = await browser.newPage();
      await page.goto(url);
      return page;
    },
    close: () => browser.close(),
  };
};

export interface BrowserKind {
  readonly name: string;
  /** The commands that have to be installed. */
  readonly commands: readonly string[];
  /** How it identifies itself. */
  readonly version: RegExp;
  readonly launch: Launch;
  /** Launches it so that isolated pages may share memory. */
  readonly launchSharing: Launch;
}

export const BROWSERS: readonly BrowserKind[] = [
  {
    name: "Chromium",
    commands: ["chromium"],
    version: /^Chromium \d/,
    launch: launchChromium,
    launchSharing: launchChromium,
  },
  {
    name: "Firefox",
    commands: ["firefox-esr"],
    version: /^firefox\/\d/i,
    launch: launchFirefox,
    launchSharing: launchFirefox,
  },
  {
    name: "WebKit",
    commands: ["WebKitWebDriver", "xvfb-run", "xauth"],
    version: /^WebKit \d/,
    launch: launchWebKit,
    launchSharing: launchSharingWebKit,
  },
];

/** Opens a page, and returns the value that it leaves in `seen`. */
export async function visit(launch: Launch, url: string): Promise<Visit> {
  const browser = await launch();
  try {
    const page = await browser.open(url);
    return {
      version: browser.version,
      seen: (await page.evaluate("globalThis.seen")) as Record<string, unknown>,
    };
  } finally {
    await browser.close();
  }
}
