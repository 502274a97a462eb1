// The site, and the API that its workers call. It enforces its own limits, and answers 429 beyond them. See README.md.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { TokenBucket } from "../llm/token-bucket.js";
import { allowanceFor } from "./allowance.js";

const here = new URL("./", import.meta.url);

/** With these headers a page may share memory with its workers. */
const ISOLATION = {
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/**
 * @typedef {object} Server
 * @property {string} url
 * @property {{ calls: number, refused: number, inProgress: number, peak: number }} seen
 * @property {() => void} close
 */

/**
 * @param {{ port?: number, isolated?: boolean }} [options]
 * @returns {Promise<Server>}
 */
export async function startServer({ port = 0, isolated = true } = {}) {
  const files = await bundle();
  const seen = { calls: 0, refused: 0, inProgress: 0, peak: 0 };
  let meter = meterFor(24);

  /** @param {import("node:http").ServerResponse} response */
  function call(response) {
    seen.calls++;
    const tokens = 20 + Math.floor(Math.random() * 81);
    if (seen.inProgress >= meter.connections || meter.calls.level < 1 || meter.tokens.level < tokens) {
      seen.refused++;
      response.writeHead(429, { "content-type": "application/json" }).end(`{ "used": 0 }`);
      return;
    }
    meter.calls.take(1);
    meter.tokens.take(tokens);
    seen.inProgress++;
    seen.peak = Math.max(seen.peak, seen.inProgress);
    let over = false;
    const end = () => {
      if (!over) seen.inProgress--;
      over = true;
    };
    const timer = setTimeout(
      () => {
        // Before the last byte, since the reader of the answer may use the connection at once.
        end();
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ used: tokens }));
      },
      60 + Math.random() * 120,
    );
    // The worker may be killed in the meantime.
    response.once("close", () => {
      clearTimeout(timer);
      end();
    });
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://here");
    if (pathname === "/call" && request.method === "POST") return call(response);
    if (pathname === "/begin" && request.method === "POST") {
      meter = meterFor(Number(searchParams.get("calls")));
      return response.writeHead(204).end();
    }
    const file = files.get(pathname === "/" ? "/index.html" : pathname);
    if (!file) return response.writeHead(404).end();
    return response.writeHead(200, { "content-type": file.type, ...(isolated && ISOLATION) }).end(file.body);
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

/** @param {number} perSecond */
function meterFor(perSecond) {
  const { calls, tokens, connections } = allowanceFor(perSecond);
  return {
    calls: new TokenBucket({ capacity: calls, windowMs: 1_000 }),
    tokens: new TokenBucket({ capacity: tokens, windowMs: 1_000 }),
    connections,
  };
}

/** The page and its workers' program, both with the library, as a site's build makes them. */
async function bundle() {
  const { outputFiles } = await build({
    entryPoints: ["page.js", "worker.js"].map((name) => fileURLToPath(new URL(name, here))),
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
  for (const [name, type] of [
    ["index.html", "text/html; charset=utf-8"],
    ["style.css", "text/css"],
  ]) {
    files.set(`/${name}`, { type: `${type}`, body: await readFile(new URL(`${name}`, here)) });
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const isolated = !process.argv.includes("--not-isolated");
  const { url } = await startServer({ port: 8000, isolated });
  console.log(`open ${url}`);
}
