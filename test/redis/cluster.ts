/** A real cluster. It ends with the test. */
import { Redis } from "ioredis";
import { expect } from "vitest";
import { type RedisServer, serverFor } from "./server.ts";

/** A cluster of three servers that share all slots. */
export async function cluster(): Promise<RedisServer[]> {
  const servers = await Promise.all(
    [0, 1, 2].map(() => serverFor("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")),
  );
  const clients = servers.map(({ port }) => new Redis(port, "127.0.0.1"));
  const edges = [0, 5461, 10923, 16384];
  for (const [i, client] of clients.entries()) {
    // Redis has ADDSLOTSRANGE only since version 7.
    const slots = Array.from({ length: edges[i + 1]! - edges[i]! }, (_, slot) => edges[i]! + slot);
    await client.call("CLUSTER", "ADDSLOTS", ...slots);
    await client.call("CLUSTER", "MEET", "127.0.0.1", servers[(i + 1) % 3]!.port);
  }
  const isUp = async () => {
    const infos = await Promise.all(clients.map((client) => client.call("CLUSTER", "INFO")));
    return infos.every((info) => /cluster_state:ok[\s\S]*cluster_known_nodes:3/.test(String(info)));
  };
  await expect.poll(isUp, { timeout: 20_000, interval: 50 }).toBe(true);
  for (const client of clients) client.disconnect();
  return servers;
}
