// The proxy of ../cloudflare-worker, as a server of Deno. See README.md.
import { proxy } from "../cloudflare-worker/proxy.js";

/**
 * The part of Deno's API that is used here.
 * @typedef {object} DenoLike
 * @property {{ get(name: string): string | undefined }} env
 * @property {(options: { port: number, hostname: string, onListen(address: { port: number }): void }, handler: (request: Request) => Promise<Response>) => unknown} serve
 */
const { Deno } = /** @type {{ Deno: DenoLike }} */ (/** @type {unknown} */ (globalThis));

const upstream = Deno.env.get("UPSTREAM") ?? "http://127.0.0.1:8090";

Deno.serve(
  {
    hostname: "127.0.0.1",
    port: Number(Deno.env.get("PORT") ?? 8080),
    onListen: ({ port }) => console.log(`listening at http://127.0.0.1:${port}`),
  },
  (request) => proxy(request, upstream),
);
