// Two programs: a host that serves a set to a child of its own, and that child, which outlives the host.
import { fork } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { LimitSet, ResourceLimit } from "limitset";
import { connectLimits, serveLimits } from "limitset/port";

if (process.argv[2] === "peer") {
  const limits = connectLimits(process);
  await limits.acquire();
  const waiting = limits.acquire();
  await limits.stats(); // Answers come in order, so by now the request waits.
  console.log("waiting");
  console.log(await waiting.catch((error) => error.constructor.name));
  console.log(await limits.acquire().catch((error) => error.constructor.name));
} else {
  const limits = new LimitSet({ limits: [new ResourceLimit({ key: "db", capacity: 1 })] });
  serveLimits(limits, fork(fileURLToPath(import.meta.url), ["peer"]));
}
