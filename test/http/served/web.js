// A guarded handler, or Hono, on Deno and Bun.
import { answer, capacitiesOf, makeApp, tell } from "./app.js";
import { honoOf } from "./hono.js";
import { modules } from "./modules.js";

/**
 * @typedef {(request: Request, ...rest: unknown[]) => Response | Promise<Response>} Serve
 * @typedef {{ args: string[], serve(options: { port: number, hostname: string, onListen(at: { port: number }): void }, serve: Serve): void }} DenoLike
 * @typedef {{ argv: string[], serve(options: { port: number, hostname: string, idleTimeout: number, fetch: Serve }): { port: number } }} BunLike
 */
const { Deno, Bun } = /** @type {{ Deno?: DenoLike, Bun?: BunLike }} */ (/** @type {unknown} */ (globalThis));
const [kind, capacities] = Deno?.args ?? Bun?.argv.slice(2) ?? [];

const app = makeApp(modules, capacitiesOf(capacities));
/** @type {Serve} */
const handle = (request) => answer(app, request);
const calls = app.calls.handler(handle);
const held = app.held.handler(handle);
const hono = honoOf(app);

/** @type {Serve} */
function plain(request, ...rest) {
  const { pathname } = new URL(request.url);
  if (pathname === "/stats") return Response.json(app.stats());
  return pathname.startsWith("/held") ? held(request, ...rest) : calls(request, ...rest);
}
/** @type {Serve} */
const serve = kind === "hono" ? (request, ...rest) => hono.fetch(request, ...rest) : plain;

if (Deno) Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: ({ port }) => tell(port) }, serve);
if (Bun) tell(Bun.serve({ port: 0, hostname: "127.0.0.1", idleTimeout: 60, fetch: serve }).port);
