/** Serves the built package and the pages of these tests, as a site does. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".map": "application/json",
};
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};
const root = new URL("../../", import.meta.url);

export interface Site {
  readonly url: string;
  close(): void;
}

/** Pages of an `isolated` site may share memory with their workers. */
export async function serve(isolated: boolean): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    const type = TYPES[extname(pathname)];
    const body = /^\/(dist|test\/runtimes)\//.test(pathname)
      ? await readFile(new URL(`.${pathname}`, root)).catch(() => undefined)
      : undefined;
    if (!type || !body) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": type, ...(isolated && ISOLATION) }).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
