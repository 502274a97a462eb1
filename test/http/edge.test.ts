/** A guarded handler in an edge runtime, as a middleware of Next is: behind a server that does not tell it when a client has gone. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, beforeAll, expect } from "vitest";
import { find, proves, testIn } from "../installed.ts";
import { load, open, Reader, type Sent, textOf } from "./load.ts";
import { type Server, startEdge } from "./servers.ts";

const command = "edge-runtime/dist/cli/index.js";
const testHere = testIn(command);
const REQUESTS = proves ? 100_000 : 4000;
const ADDRESSES = 100;
const EACH = REQUESTS / ADDRESSES;
const ALL = 0.9 * REQUESTS;
const SLOTS = 5;

let server: Server | undefined;
const folder = mkdtempSync(join(tmpdir(), "limitset-edge-"));
beforeAll(async () => {
  const runtime = find(command);
  if (!runtime) return;
  const outfile = join(folder, "program.js");
  await build({
    entryPoints: [fileURLToPath(new URL("served/edge.js", import.meta.url))],
    ...{ outfile, bundle: true, format: "iife", conditions: ["edge-light"] },
  });
  server = await startEdge(runtime, outfile, { all: ALL, each: EACH, slots: SLOTS });
}, 60_000);
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

testHere(
  `of ${REQUESTS} HTTP requests exactly those pass that the limits of all and of addresses allow`,
  { timeout: 300_000 },
  async () => {
    // Every other one is of one of ten addresses, which ask for more than they may.
    const addressOf = (i: number) => ((i >> 1) * 7) % (i % 2 === 0 ? 10 : ADDRESSES);
    const passedOf = new Array<number>(ADDRESSES).fill(0);
    let refused = 0;
    await load(
      server!.port,
      REQUESTS,
      { connections: 8, ahead: 5 },
      (i) => ({ path: "/calls", headers: { "x-forwarded-for": `192.0.2.7, 198.51.100.${addressOf(i)}` } }),
      (i, { status, head, body }) => {
        expect(head).toMatch(/\r\nratelimit: "all";r=\d+(;t=\d+)?, "per_ip";r=\d+(;t=\d+)?/i);
        if (status === 200) passedOf[addressOf(i)]!++;
        else {
          expect([status, JSON.parse(body)["violated-policies"][0]]).toEqual([429, "per_ip"]);
          refused++;
        }
      },
    );
    const asked = new Array<number>(ADDRESSES).fill(0);
    for (let i = 0; i < REQUESTS; i++) asked[addressOf(i)]!++;
    expect(passedOf).toEqual(asked.map((count) => Math.min(count, EACH)));
    const passed = passedOf.reduce((sum, each) => sum + each, 0);
    expect(refused).toBe(REQUESTS - passed);
    expect(await server!.stats()).toMatchObject({
      ...{ passed, granted: passed, addresses: ADDRESSES, held: 0, warnings: [] },
    });
  },
);

testHere("slots are held until answers have ended: short, streamed, late, HEAD, of uploads", async () => {
  const ask = async (sent: Sent) => {
    const socket = await open(server!.port);
    try {
      socket.write(textOf(sent));
      return await new Reader(socket).next(sent.method === "HEAD");
    } finally {
      socket.destroy();
    }
  };
  const sent: Sent[] = [
    { path: "/held/quick" },
    { path: "/held/short" },
    { path: "/held/late" },
    { path: "/held/quick", method: "HEAD" },
    { path: "/held/upload", method: "POST", body: "x".repeat(10_000) },
  ];
  for (const each of [...sent, ...sent]) expect((await ask(each)).status).toBe(200);
  await expect.poll(async () => (await server!.stats()).held).toBe(0);
  const many = await Promise.all(Array.from({ length: SLOTS + 3 }, () => ask({ path: "/held/late" })));
  expect(many.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
  await expect.poll(async () => (await server!.stats()).held).toBe(0);
});
