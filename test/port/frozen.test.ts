/** A process that is stopped while it holds, and goes on when its holding is given away. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { type Endpoint, serveLimits } from "limitset/port";
import { expect, onTestFinished, test } from "vitest";

test("a process that is stopped for over 25 s learns what it has lost, and takes nothing from the next holder", {
  timeout: 120_000,
}, async () => {
  const limits = new LimitSet({
    limits: [
      new ResourceLimit({ key: "db", capacity: 1 }),
      new RateLimit({ key: "tokens", capacity: 10, windowMs: 3_600_000 }),
    ],
  });
  onTestFinished(() => limits.close());
  const child = fork(fileURLToPath(new URL("./frozen-peer.js", import.meta.url)), { silent: true });
  onTestFinished(() => void child.kill("SIGKILL"));
  const endpoint: Endpoint = {
    send: (message) => void child.send(message as object),
    receive(listener) {
      child.on("message", listener);
      return () => child.off("message", listener);
    },
  };
  serveLimits(limits, endpoint);
  expect(String(await once(child.stdout!, "data"))).toBe("holds\n");
  expect(limits.waiting).toBe(1);
  child.kill("SIGSTOP");
  await limits.acquire({ db: 1 });
  expect(limits.waiting).toBe(0);
  expect(limits.stats()).toMatchObject({ db: { used: 1 }, tokens: { used: 5 } });
  const told = once(child.stdout!, "data");
  child.kill("SIGCONT");
  expect(JSON.parse(String(await told))).toEqual({
    code: "ERR_LEASE_LOST",
    waiter: "ERR_BACKEND_UNAVAILABLE",
    limitedBy: ["db"],
  });
  await once(child, "exit");
  expect(limits.stats()).toMatchObject({ db: { used: 1 }, tokens: { used: 5 } });
});
