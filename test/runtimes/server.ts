/** A site that serves the built package and the pages of these tests. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { pathToFileURL } from "node:url";

const TYPES: Record<string, string> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".map": "application/json",
  ".txt": "text/plain",
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

export interface SiteOptions {
  /** The folder that is served. Default: of the package's own folder the build and these tests. */
  readonly folder?: string;
  /** The Content-Security-Policy of the pages. Default: none. */
  readonly policy?: string;
}

/** Pages of an `isolated` site may share memory with their workers. */
export async function serve(isolated: boolean, { folder, policy }: SiteOptions = {}): Promise<Site> {
  const base = folder === undefined ? root : pathToFileURL(`${folder}/`);
  const served = folder === undefined ? /^\/(dist|test\/runtimes)\// : /^/;
  const headers = {
    ...(isolated && ISOLATION),
    ...(policy !== undefined && { "content-security-policy": policy }),
  };
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://site");
    const type = TYPES[extname(pathname)];
    const body = served.test(pathname)
      ? await readFile(new URL(`.${pathname}`, base)).catch(() => undefined)
      : undefined;
    if (!type || !body) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": type, ...headers }).end(body);
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
