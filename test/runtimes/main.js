// The program for runtimes that run a file: prints which runtime it is, and what it saw.
import { threads } from "./threads.js";

const { Deno, Bun } = /** @type {{ Deno?: { version: { deno: string } }, Bun?: { version: string } }} */ (
  /** @type {unknown} */ (globalThis)
);
const runtime = Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : "neither";
console.log(JSON.stringify({ runtime, ...(await threads()) }));
