/** The machine and the versions that were measured: enough to judge the results, and nothing that identifies the machine. */
import { readFileSync } from "node:fs";
import { cpus, totalmem, type } from "node:os";

const PEERS = [
  "limiter",
  "rate-limiter-flexible",
  "bottleneck",
  "p-queue",
  "p-limit",
  "p-throttle",
  "async-sema",
  "cockatiel",
  "@tanstack/pacer",
  "effect",
];

export function describe() {
  const peers = Object.fromEntries(PEERS.map((name) => [name, version(name)]));
  const processors = cpus();
  const cpu = processors[0]?.model.trim() ?? "unknown processor";
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  const listed = Object.entries(peers).map(([name, at]) => `${name} ${at}`);
  const line = `Node ${process.versions.node}, ${processors.length} x ${cpu}, ${memory}, ${type()} ${process.arch}; ${listed.join(", ")}`;
  return { node: process.versions.node, cpu, cores: processors.length, memory, os: type(), peers, line };
}

/** @param {string} name @returns {string} */
function version(name) {
  const manifest = new URL(`../node_modules/${name}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(manifest, "utf8")).version;
}
