/** WebKit, Safari's engine, driven by the protocol of https://www.w3.org/TR/webdriver2/. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { find } from "../installed.ts";
import type { Browser, Launch, Page } from "./runtimes.ts";

/** Settings for a machine without a graphics card. */
const PLAIN = {
  WEBKIT_DISABLE_COMPOSITING_MODE: "1",
  WEBKIT_DISABLE_DMABUF_RENDERER: "1",
  LIBGL_ALWAYS_SOFTWARE: "1",
};
const POLL_MS = 10;

export const launchWebKit: Launch = () => launch({});

/** Pages may share memory by this switch of the engine. Without it they may not, isolated or not. */
export const launchSharingWebKit: Launch = () => launch({ JSC_useSharedArrayBuffer: "1" });

async function launch(more: Readonly<Record<string, string>>): Promise<Browser> {
  const folder = await mkdtemp(join(tmpdir(), "limitset-webkit-"));
  const port = await freePort();
  const env = { ...process.env, ...PLAIN, ...more, XDG_RUNTIME_DIR: folder, HOME: folder };
  const args = ["-a", find("WebKitWebDriver")!, `--port=${port}`, "--host=127.0.0.1"];
  // In a process group of its own, since a shell, a display, a driver and a browser have to be ended together.
  const child = spawn(find("xvfb-run")!, args, { env, stdio: "ignore", detached: true });
  const gone = once(child, "exit");
  const session = await Session.start(`http://127.0.0.1:${port}`, gone);
  let pages = 0;
  return {
    version: `WebKit ${session.version}`,
    async open(url) {
      const page = pages++ === 0 ? await session.firstPage() : await session.newPage();
      await page.go(url);
      return page;
    },
    async close() {
      await session.end().catch(() => {});
      process.kill(-child.pid!, "SIGTERM");
      await gone;
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
    },
  };
}

class Session {
  readonly version: string;
  readonly #url: string;
  /** The last of the commands, which run one after another: the page that they concern is a state of the session. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(url: string, version: string) {
    this.#url = url;
    this.version = version;
  }

  static async start(driver: string, gone: Promise<unknown>): Promise<Session> {
    let ended = false;
    gone.then(() => {
      ended = true;
    });
    while (!(await fetch(`${driver}/status`).catch(() => undefined))?.ok) {
      if (ended) throw new Error("WebKitWebDriver ended before it listened");
      await sleep(POLL_MS);
    }
    const options = { binary: await miniBrowser(), args: ["--automation"] };
    const capabilities = { alwaysMatch: { "webkitgtk:browserOptions": options } };
    const { sessionId, capabilities: got } = await command<{
      sessionId: string;
      capabilities: { browserVersion: string };
    }>("POST", `${driver}/session`, { capabilities });
    return new Session(`${driver}/session/${sessionId}`, got.browserVersion);
  }

  async firstPage(): Promise<WebKitPage> {
    return new WebKitPage(this, await this.command<string>("GET", "window"));
  }

  async newPage(): Promise<WebKitPage> {
    const { handle } = await this.command<{ handle: string }>("POST", "window/new", { type: "tab" });
    return new WebKitPage(this, handle);
  }

  command<T>(method: string, path: string, body?: unknown): Promise<T> {
    return command<T>(method, `${this.#url}/${path}`, body);
  }

  /** Runs commands for one page before any for another. */
  inPage<T>(handle: string, action: () => Promise<T>): Promise<T> {
    const done = this.#last.then(async () => {
      await this.command("POST", "window", { handle });
      return action();
    });
    this.#last = done.catch(() => {});
    return done;
  }

  async end(): Promise<void> {
    await command("DELETE", this.#url);
  }
}

class WebKitPage implements Page {
  readonly #session: Session;
  readonly #handle: string;

  constructor(session: Session, handle: string) {
    this.#session = session;
    this.#handle = handle;
  }

  async go(url: string): Promise<void> {
    await this.#session.inPage(this.#handle, () => this.#session.command("POST", "url", { url }));
    // An isolated page moves to another process, and the driver returns before it is there.
    const isThere = `return location.href === ${JSON.stringify(url)} && document.readyState === "complete";`;
    while (!(await this.#execute(isThere))) await sleep(POLL_MS);
  }

  async evaluate(code: string): Promise<unknown> {
    // The script is started and its result polled: a command that waits would hold up those of other pages.
    const id = await this.#execute(`
      const all = (globalThis.evaluated ??= []);
      const settle = (value) => { all[id] = value; };
      const id = all.push(undefined) - 1;
      (async () => (${code}))().then(
        (value) => settle({ value: value === undefined ? null : value }),
        (error) => settle({ error: String(error) }),
      );
      return id;`);
    for (;;) {
      const result = await this.#execute(`return globalThis.evaluated[${id}] ?? null;`);
      const { value, error } = (result ?? {}) as { value?: unknown; error?: string };
      if (error !== undefined) throw new Error(error);
      if (value !== undefined) return value ?? undefined;
      await sleep(POLL_MS);
    }
  }

  async close(): Promise<void> {
    await this.#session.inPage(this.#handle, () => this.#session.command("DELETE", "window"));
  }

  #execute(script: string): Promise<unknown> {
    return this.#session.inPage(this.#handle, () =>
      this.#session.command("POST", "execute/sync", { script, args: [] }),
    );
  }
}

async function command<T>(method: string, url: string, body: unknown = {}): Promise<T> {
  const response = await fetch(url, { method, ...(method === "POST" && { body: JSON.stringify(body) }) });
  const { value } = (await response.json()) as { value: T & { error?: string; message?: string } };
  if (!response.ok) throw new Error(`WebDriver: ${value.error}: ${value.message}`);
  return value;
}

/** The path of the browser that comes with the engine, beside its libraries. */
async function miniBrowser(): Promise<string> {
  for (const library of await readdir("/usr/lib", { withFileTypes: true })) {
    if (!library.isDirectory()) continue;
    const folder = join("/usr/lib", library.name);
    const engine = (await readdir(folder)).find((name) => /^webkit2?gtk-\d/.test(name));
    if (engine && (await readdir(join(folder, engine))).includes("MiniBrowser"))
      return join(folder, engine, "MiniBrowser");
  }
  throw new Error("WebKitWebDriver is installed, but no MiniBrowser");
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
