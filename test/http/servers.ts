/** The servers of these tests, each in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { find } from "../installed.ts";
import { argsOf } from "../runtimes/runtimes.ts";
import { startWorkerd } from "../runtimes/workerd.ts";

const here = fileURLToPath(new URL("served/", import.meta.url));

export interface Capacities {
  /** Calls of all. */
  readonly all: number;
  /** Calls of one address. */
  readonly each: number;
  readonly slots: number;
}

/** What `/stats` says. */
export interface ServedStats {
  readonly passed: number;
  readonly warnings: readonly string[];
  readonly granted: number;
  readonly refused: readonly [number, number];
  readonly addresses: number;
  readonly held: number;
  readonly waiting: number;
}

export interface Server {
  readonly port: number;
  stats(): Promise<ServedStats>;
  stop(): Promise<void>;
}

export interface ServerKind {
  readonly name: string;
  /** The command that has to be installed. */
  readonly command: string;
  readonly program: string;
  readonly args?: readonly string[];
}

export const SERVERS: readonly ServerKind[] = [
  { name: "Node http", command: "node", program: "node.js" },
  { name: "Express", command: "node", program: "express.js" },
  { name: "Fastify", command: "node", program: "fastify.js" },
  { name: "Hono on Node", command: "node", program: "hono-node.js" },
  { name: "Deno", command: "deno", program: "web.js", args: ["plain"] },
  { name: "Hono on Deno", command: "deno", program: "web.js", args: ["hono"] },
  { name: "Bun", command: "bun", program: "web.js", args: ["plain"] },
  { name: "Hono on Bun", command: "bun", program: "web.js", args: ["hono"] },
  { name: "workerd", command: "workerd", program: "worker.js" },
];

export async function startServer(kind: ServerKind, capacities: Capacities): Promise<Server> {
  if (kind.command === "workerd") {
    // A handler goes on there when its client has gone: it has to end by itself.
    const text = JSON.stringify({ ...capacities, neverMs: 1500 });
    const workerd = await startWorkerd(`${here}${kind.program}`, {
      texts: { CAPACITIES: text },
      flags: ["--expose-gc"],
    });
    const port = Number(new URL(workerd.url).port);
    return { port, stats: () => statsOf(port), stop: () => workerd.kill() };
  }
  const args = [...argsOf(kind.command), `${here}${kind.program}`, ...(kind.args ?? [])];
  return startProgram(find(kind.command)!, args, capacities);
}

/** An edge runtime, which is installed at `runtime`, with a bundled program. */
export function startEdge(runtime: string, program: string, capacities: Capacities): Promise<Server> {
  const entry = join(runtime, "../../index.js");
  return startProgram(process.execPath, [`${here}edge-server.js`, entry, program], capacities);
}

async function startProgram(
  command: string,
  args: readonly string[],
  capacities: Capacities,
): Promise<Server> {
  const child = spawn(command, [...args, JSON.stringify(capacities)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await portOf(child);
  return {
    port,
    stats: () => statsOf(port),
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}

async function portOf(child: ChildProcess): Promise<number> {
  for await (const line of createInterface(child.stdout!)) {
    if (line.startsWith('{"port":')) return (JSON.parse(line) as { port: number }).port;
  }
  throw new Error("the server ended before it listened");
}

async function statsOf(port: number): Promise<ServedStats> {
  const response = await fetch(`http://127.0.0.1:${port}/stats`);
  return (await response.json()) as ServedStats;
}
