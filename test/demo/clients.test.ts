import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { LimitSet, RateLimit, ResourceLimit } from "limitset";
import { expect, onTestFinished, test } from "vitest";
import { startClients } from "../../examples/llm/clients.js";

const requests = Array.from({ length: 10 }, (_, i) => ({ at: i, inputTokens: 10 + i, outputTokens: 5 }));

/** An API that answers everything but /health with `status`. */
async function serverOf(status: number): Promise<string> {
  const answer: RequestListener = (request, response) => {
    response.statusCode = request.url === "/health" ? 200 : status;
    response.setHeader("content-type", "application/json");
    request.resume().once("end", () => response.end('{"usage":{"prompt_tokens":1,"completion_tokens":1}}'));
  };
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function limitSet() {
  const limits = new LimitSet({
    limits: [
      new RateLimit({ key: "input_tokens", capacity: 1000, windowMs: 1000 }),
      new RateLimit({ key: "output_tokens", capacity: 1000, windowMs: 1000 }),
      new ResourceLimit({ key: "connections", capacity: 2 }),
    ],
  });
  onTestFinished(() => limits.close());
  // The demo's set has a call limit too, but no request names it.
  return limits as unknown as NonNullable<Parameters<typeof startClients>[0]["limits"]>;
}

const CLIENTS = [
  { threads: 0, processes: 0 },
  { threads: 1, processes: 0 },
  { threads: 3, processes: 0 },
  { threads: 0, processes: 3 },
];

test.each(CLIENTS)("clients %j send each request once, and their tallies add up", async (count) => {
  const url = await serverOf(200);
  const limits = limitSet();
  const clients = await startClients({ ...count, url, requests, connections: 2, limits });
  onTestFinished(clients.close);
  await clients.replay(Date.now());
  expect(clients.tally()).toMatchObject({ due: 10, sent: 10, answered: 10, inputTokens: 10, refused: {} });
  expect(clients.tally().waits).toHaveLength(10);
  expect(limits.stats().connections.used).toBe(0);
});

test.each(CLIENTS)("an API that cannot be reached rejects the start of clients %j", async (count) => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const start = { ...count, url: `http://127.0.0.1:${port}`, requests, connections: 2, limits: limitSet() };
  await expect(startClients(start)).rejects.toThrow("ECONNREFUSED");
});

test.each(CLIENTS)("an API that fails rejects the replay of clients %j", async (count) => {
  const limits = limitSet();
  const url = await serverOf(500);
  const clients = await startClients({ ...count, url, requests, connections: 2, limits });
  await expect(clients.replay(Date.now())).rejects.toThrow("the API answered 500");
  await clients.close();
});
