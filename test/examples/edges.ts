/** Starts the proxies of the examples as their READMEs say. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { find } from "../installed.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const BUNDLE =
  "--bundle --format=esm --conditions=workerd,worker,browser --loader:.wasm=copy --log-level=error";

export interface Edge {
  readonly url: string;
  close(): Promise<void>;
}

export async function startInWorkerd(upstream: string): Promise<Edge> {
  const example = join(root, "examples/cloudflare-worker");
  const folder = await mkdtemp(join(tmpdir(), "limitset-example-"));
  const args = [...BUNDLE.split(" "), "--asset-names=[name]", `--outdir=${join(folder, "dist")}`];
  await promisify(execFile)(join(root, "node_modules/.bin/esbuild"), [join(example, "worker.js"), ...args]);
  await copyFile(join(example, "workerd.capnp"), join(folder, "workerd.capnp"));
  const child = spawn(
    find("workerd")!,
    ["serve", join(folder, "workerd.capnp"), "--socket-addr=http=127.0.0.1:0", "--control-fd=3"],
    { env: { UPSTREAM: upstream }, stdio: ["ignore", "inherit", "inherit", "pipe"] },
  );
  return edge(child, child.stdio[3] as AsyncIterable<Buffer>, /"port":(\d+)/, () =>
    rm(folder, { recursive: true, force: true }),
  );
}

export async function startInDeno(upstream: string): Promise<Edge> {
  const child = spawn(
    find("deno")!,
    ["run", "--allow-net", "--allow-env", join(root, "examples/deno-edge/main.js")],
    { env: { ...process.env, UPSTREAM: upstream, PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] },
  );
  return edge(child, child.stdout, /http:\/\/127\.0\.0\.1:(\d+)/);
}

export interface Answer {
  readonly text?: string;
  readonly usage?: { readonly tokens: number };
  readonly error?: string;
  readonly limitedBy?: readonly string[];
}

export interface Call {
  readonly answer: Promise<{ status: number; retryAfter: string | undefined; body: Answer }>;
  /** Closes the connection by a reset. A plain end would only mean that the client sends no more, but still listens. */
  goAway(): void;
}

export function post(url: string, body: unknown): Call {
  const outgoing = request(url, { method: "POST", agent: false }).end(JSON.stringify(body));
  const answer = once(outgoing, "response").then(async ([response]: IncomingMessage[]) => ({
    status: response!.statusCode!,
    retryAfter: response!.headers["retry-after"],
    body: JSON.parse(await text(response!)),
  }));
  return { answer, goAway: () => outgoing.socket!.resetAndDestroy() };
}

/** Waits until the process has printed its port. */
async function edge(
  child: ChildProcess,
  says: AsyncIterable<Buffer>,
  pattern: RegExp,
  clean?: () => Promise<void>,
): Promise<Edge> {
  const gone = once(child, "exit");
  const close = async () => {
    child.kill("SIGKILL");
    await gone;
    await clean?.();
  };
  let heard = "";
  for await (const chunk of says) {
    heard += chunk;
    const port = pattern.exec(heard)?.[1];
    if (port) return { url: `http://127.0.0.1:${port}`, close };
  }
  await close();
  throw new Error(`ended before it listened: ${heard}`);
}
