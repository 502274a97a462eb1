/** Sets over HTTP, by `@upstash/redis`: they take and release as others do, and look again where others are called. */
import { fileURLToPath } from "node:url";
import { Redis } from "@upstash/redis";
import { BackendRefusedError, BackendUnavailableError, RateLimit, ResourceLimit } from "limitset";
import { RedisLimitSet } from "limitset/redis";
import { expect, onTestFinished, test } from "vitest";
import { testIn } from "../installed.ts";
import { startWorkerd } from "../runtimes/workerd.ts";
import { restFor } from "./rest.ts";
import { clientFor, describeRedis, serverFor } from "./server.ts";

const LIMITS = [
  new RateLimit({ key: "tokens", capacity: 100, windowMs: 3_600_000 }),
  new ResourceLimit({ key: "db", capacity: 2 }),
] as const;

type Client = ConstructorParameters<typeof RedisLimitSet>[0]["client"];

function setOf(client: Client): RedisLimitSet<"tokens" | "db"> {
  const set = new RedisLimitSet({ name: "rest", limits: LIMITS, client });
  onTestFinished(() => set.close());
  return set;
}

describeRedis("over HTTP", () => {
  test.each([{ enableAutoPipelining: true }, { enableAutoPipelining: false }, { responseEncoding: false }])(
    "a set takes, tries and settles beside one that has a connection (%j)",
    async (options) => {
      const server = await serverFor();
      const rest = await restFor(server);
      const edge = setOf(new Redis({ ...rest, ...(options as object) }));
      const near = setOf(clientFor(server));
      const acquisition = await edge.acquire({ tokens: 60, db: 2 });
      expect((await near.tryAcquire({ tokens: 41 })).limitedBy).toEqual(["tokens", "db"]);
      expect((await edge.tryAcquire({ tokens: 41 })).limitedBy).toEqual(["tokens", "db"]);
      await clientFor(server).script("FLUSH");
      acquisition.update({ tokens: 7 });
      acquisition.release();
      const used = async () => Object.values(await near.stats()).map((stats) => stats.used);
      await expect.poll(used).toEqual([7, 0]);
      expect([...rest.commands.keys()].sort()).toEqual(["eval", "evalsha"]);
    },
  );

  test("a waiter looks again until a release lets it go, and a set without waiters sends nothing", async () => {
    const server = await serverFor();
    const rest = await restFor(server);
    const edge = setOf(new Redis(rest));
    const near = setOf(clientFor(server));
    const acquisition = await near.acquire({ tokens: 1, db: 2 });
    let isGranted = false;
    const waiter = edge.acquire({ tokens: 1 }).then((granted) => {
      isGranted = true;
      return granted;
    });
    await expect.poll(() => rest.commands.get("evalsha") ?? 0).toBeGreaterThan(3);
    expect(isGranted).toBe(false);
    acquisition.update({ tokens: 1 });
    acquisition.release();
    const granted = await waiter;
    granted.update({ tokens: 1 });
    granted.release();
    await expect.poll(async () => (await near.stats()).db.used).toBe(0);
    const count = rest.commands.get("evalsha");
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(rest.commands.get("evalsha")).toBe(count);
  });

  test("a wrong token is refused at once, and the error says what to do", async () => {
    const rest = await restFor(await serverFor());
    const error = await setOf(new Redis({ ...rest, token: "wrong" }))
      .acquire({ tokens: 1 })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(BackendRefusedError);
    expect((error as Error).message).toContain("give the client the user and the password");
    // The text of the script is no part of it.
    expect((error as Error).message.length).toBeLessThan(300);
  });

  test("a server that is away is a BackendUnavailableError within the deadline", async () => {
    const client = new Redis({ url: "http://127.0.0.1:9", token: "secret" });
    const set = new RedisLimitSet({ name: "away", limits: LIMITS, client, deadlineMs: 200 });
    await expect(set.acquire({ tokens: 1 })).rejects.toThrow(BackendUnavailableError);
    await set.close();
  });

  testIn("workerd")("a Worker without Node's modules takes, waits and settles", async () => {
    const server = await serverFor();
    const rest = await restFor(server);
    const program = fileURLToPath(new URL("./rest-worker.ts", import.meta.url));
    const workerd = await startWorkerd(program, { texts: { URL: rest.url, TOKEN: rest.token } });
    onTestFinished(() => workerd.kill());
    const near = setOf(clientFor(server));
    const acquisition = await near.acquire({ tokens: 1, db: 2 });
    setTimeout(() => {
      acquisition.update({ tokens: 1 });
      acquisition.release();
    }, 300);
    const seen = await (await fetch(workerd.url)).json();
    expect(seen).toEqual([["db"], 20]);
    await expect
      .poll(async () => Object.values(await near.stats()).map((stats) => stats.used))
      .toEqual([8, 0]);
  });
});
