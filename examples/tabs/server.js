// The site, and the API that its tabs call. It answers 429 to the sixth call of any second, and to a third at once. See README.md.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { ALLOWED } from "./limits.js";

const here = new URL("./", import.meta.url);

/**
 * @typedef {object} Server
 * @property {string} url
 * @property {{ arrivals: number[], refused: number, inProgress: number, peak: number }} seen arrivals in milliseconds
 * @property {() => void} close
 */

/**
 * @param {{ port?: number }} [options]
 * @returns {Promise<Server>}
 */
export async function startServer({ port = 0 } = {}) {
  const files = await bundle();
  /** @type {Server["seen"]} */
  const seen = { arrivals: [], refused: 0, inProgress: 0, peak: 0 };

  /** @param {import("node:http").ServerResponse} response */
  function call(response) {
    const now = performance.now();
    const recent = seen.arrivals.filter((at) => at > now - ALLOWED.windowMs).length;
    seen.arrivals.push(now);
    seen.inProgress++;
    seen.peak = Math.max(seen.peak, seen.inProgress);
    response.once("close", () => seen.inProgress--);
    if (recent >= ALLOWED.calls || seen.inProgress > ALLOWED.connections) {
      seen.refused++;
      response.writeHead(429).end();
      return;
    }
    response.writeHead(200, { "content-type": "text/plain" }).write("begun, ");
    setTimeout(() => response.end("done"), 150);
  }

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://here");
    if (pathname === "/call" && request.method === "POST") return call(response);
    const file = files.get(pathname === "/" ? "/index.html" : pathname);
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": file.type }).end(file.body);
  });
  server.keepAliveTimeout = 0; // For ever: none is closed while an HTTP request is on its way.
  await new Promise((resolve) => server.listen(port, "127.0.0.1", () => resolve(undefined)));
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    seen,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The page and the program of the SharedWorker, both with the library, as a site's build makes them. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: ["page.js", "shared-worker.js"].map((name) => fileURLToPath(new URL(name, here))),
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    outdir: "/",
    logLevel: "error",
  });
  /** @type {Map<string, { type: string, body: string | Buffer }>} */
  const files = new Map();
  for (const { path, text } of outputFiles) {
    files.set(`/${path.split(/[\\/]/).at(-1)}`, { type: "text/javascript", body: text });
  }
  const html = await readFile(new URL("index.html", here));
  return files.set("/index.html", { type: "text/html; charset=utf-8", body: html });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url } = await startServer({ port: 8000 });
  console.log(`open ${url} in two tabs`);
}
