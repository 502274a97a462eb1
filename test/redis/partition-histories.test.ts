/** Random histories of sets with partitions: two sets on a server, which share a name, against one in memory. */
import { Redis } from "ioredis";
import { afterAll, beforeAll, test } from "vitest";
import { SEED, TIMEOUT_MS } from "../property/settings.ts";
import { PartitionLab } from "./partition-lab.ts";
import { describeRedis, RedisServer } from "./server.ts";

describeRedis("partitions on a server", () => {
  let server: RedisServer;
  let client: Redis;

  beforeAll(async () => {
    server = await RedisServer.start();
    client = new Redis(server.port, "127.0.0.1");
  });

  afterAll(async () => {
    client.disconnect();
    await server.stop();
  });

  async function run(seed: number): Promise<void> {
    const lab = new PartitionLab(seed, client);
    try {
      await lab.begin();
      for (let steps = 0; steps < 120; steps++) await lab.step();
      await lab.end();
    } catch (error) {
      throw new Error(`LIMITSET_SEED=${seed} LIMITSET_HISTORIES=1`, { cause: error });
    }
  }

  test("sets with partitions on a server answer as one in memory does, while their limits change", {
    timeout: TIMEOUT_MS,
  }, async () => {
    const histories = Number(process.env["LIMITSET_HISTORIES"] ?? 30);
    for (let i = 0; i < histories; i++) await run(SEED + i);
  });

  test.each([
    [5019, "waits in another tier"],
    [5026, "a calendar, and a change of tier"],
    [5038, "two redefinitions, of which only the first had partitions to tell of"],
    [5071, "a request that takes nothing of a partition, in another tier"],
    [5083, "a settlement of a partition that has recovered"],
    [5090, "a partition that has a pause only, and a pause of all partitions of another dimension"],
    [5120, "a shadow that lets pass, in another tier"],
    [7040, "a tier that ends and comes back"],
    [7365, "partitions that had expired by their old limits"],
    [9292, "a wait in another tier behind a pause"],
  ])("the history %i, which found a fault: %s", async (seed) => {
    await run(seed);
  });
});
