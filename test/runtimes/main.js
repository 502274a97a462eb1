// For runtimes that are started with a file: says what they are, and what the program saw.
import { threads } from "./threads.js";

const { Deno, Bun } = /** @type {{ Deno?: { version: { deno: string } }, Bun?: { version: string } }} */ (
  /** @type {unknown} */ (globalThis)
);
const runtime = Deno ? `Deno ${Deno.version.deno}` : Bun ? `Bun ${Bun.version}` : "neither";
console.log(JSON.stringify({ runtime, ...(await threads()) }));
