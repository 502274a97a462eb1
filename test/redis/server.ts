/** Real servers, each on a port of its own. They end with the test. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { describe, onTestFinished } from "vitest";
import { find } from "../installed.ts";

/** `LIMITSET_REDIS`: the path of another server to test with, such as another version. */
const { LIMITSET_RUNTIMES, LIMITSET_REDIS }: { LIMITSET_RUNTIMES?: string; LIMITSET_REDIS?: string } =
  process.env;

/** `describe`, skipped where redis-server is not installed. `npm run test:all` installs it, and fails without it. */
export const describeRedis: typeof describe = (() => {
  const absent = find("redis-server") === undefined;
  if (absent && LIMITSET_RUNTIMES === "all") throw new Error("redis-server is not installed");
  if (absent) console.warn("skipped: redis-server is not installed (npm run test:all installs it)");
  return describe.skipIf(absent) as unknown as typeof describe;
})();

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: readonly string[];
  #file: string | undefined;
  #process: ChildProcess | undefined;

  static async start(...options: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), options);
    await server.start();
    return server;
  }

  /** A single sentinel that watches `master` under the name `main`. */
  static async watch(master: RedisServer): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), ["--sentinel"]);
    // A sentinel writes all that it learns to its file.
    server.#file = join(server.#folder, "sentinel.conf");
    writeFileSync(
      server.#file,
      [
        `port ${server.port}`,
        "bind 127.0.0.1",
        `dir ${server.#folder}`,
        `sentinel monitor main 127.0.0.1 ${master.port} 1`,
        "sentinel down-after-milliseconds main 300",
        "sentinel failover-timeout main 2000\n",
      ].join("\n"),
    );
    await server.start();
    return server;
  }

  private constructor(port: number, options: readonly string[]) {
    this.port = port;
    this.#options = options;
    this.#folder = mkdtempSync(join(tmpdir(), "limitset-redis-"));
  }

  async start(): Promise<void> {
    const place = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.#folder];
    const args = this.#file
      ? [this.#file, ...this.#options]
      : [...place, "--save", "", "--appendonly", "no", ...this.#options];
    this.#process = spawn(LIMITSET_REDIS ?? find("redis-server")!, args, { stdio: "ignore" });
    while (!(await this.#answers())) await sleep(10);
  }

  /** Ends the process at once, as a crash does. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  /** Sends a signal to the process: SIGSTOP freezes it. */
  signal(name: "SIGSTOP" | "SIGCONT"): void {
    this.#process?.kill(name);
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.port, "127.0.0.1", () => socket.write("PING\r\n"));
      socket.once("data", (data) => {
        socket.destroy();
        resolve(String(data).startsWith("+PONG"));
      });
      socket.once("error", () => resolve(false));
    });
  }
}

/** A server for one test. */
export async function serverFor(...options: string[]): Promise<RedisServer> {
  const server = await RedisServer.start(...options);
  onTestFinished(() => server.stop());
  return server;
}

/** A client for one test. */
export function clientFor(server: RedisServer, options: object = {}): Redis {
  const client = new Redis(server.port, "127.0.0.1", { ...options });
  client.on("error", () => {});
  onTestFinished(() => client.disconnect());
  return client;
}
