/** Starts Workers in workerd, bundled as users bundle theirs. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { find } from "../installed.ts";

/** The conditions of bundlers for workerd. */
export const WRANGLER: readonly string[] = ["workerd", "worker", "browser"];

export interface WorkerdOptions {
  /** Classes of Durable Objects that the program exports, by the name of their binding. */
  readonly objects?: Readonly<Record<string, string>>;
  /** The folder of the objects' storage. Default: in memory. */
  readonly storage?: string;
  /** The bindings that the program finds in its `env`. */
  readonly texts?: Readonly<Record<string, string>>;
  /** The conditions by which imports are resolved. Default: those that wrangler bundles with. */
  readonly conditions?: readonly string[];
  /** The name of a binding by which the program can send HTTP requests to itself. */
  readonly self?: string;
  /** The compatibility date. Default: a recent one. */
  readonly date?: string;
  /** Flags for V8. */
  readonly flags?: readonly string[];
}

export interface Workerd {
  readonly url: string;
  readonly process: ChildProcess;
  /** Ends workerd by SIGKILL, and waits until it has ended. */
  kill(): Promise<void>;
}

/** Starts workerd with the program at `entry`, listening on a port of its own. */
export async function startWorkerd(entry: string, options: WorkerdOptions = {}): Promise<Workerd> {
  const folder = await mkdtemp(join(tmpdir(), "limitset-workerd-"));
  await build({
    entryPoints: { main: entry },
    outdir: folder,
    bundle: true,
    format: "esm",
    target: "es2022",
    conditions: [...(options.conditions ?? WRANGLER)],
    loader: { ".wasm": "copy" },
    external: ["cloudflare:*", "node:*"],
    logLevel: "error",
  });
  await writeFile(join(folder, "config.capnp"), configOf(await readdir(folder), options));
  const child = spawn(find("workerd")!, ["serve", "config.capnp", "config", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  const gone = once(child, "exit");
  const port = await Promise.race([portOf(child), gone.then(() => undefined)]);
  if (port === undefined) throw new Error("workerd ended before it listened");
  return {
    url: `http://127.0.0.1:${port}`,
    process: child,
    async kill() {
      child.kill("SIGKILL");
      await gone;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The port that workerd was given: it reports that on a descriptor of its own. */
async function portOf(child: ChildProcess): Promise<number> {
  let heard = "";
  for await (const chunk of child.stdio[3] as AsyncIterable<Buffer>) {
    heard += chunk;
    const listening = heard.split("\n").find((line) => line.includes('"listen"'));
    if (listening) return (JSON.parse(listening) as { port: number }).port;
  }
  throw new Error("workerd did not say where it listens");
}

/** The configuration, in workerd's own format: https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp */
function configOf(
  files: readonly string[],
  { objects = {}, storage, texts = {}, self, flags = [], date = "2026-11-01" }: WorkerdOptions,
): string {
  const modules = [
    `(name = "main.js", esModule = embed "main.js")`,
    ...files
      .filter((name) => name.endsWith(".wasm"))
      .map((name) => `(name = "./${name}", wasm = embed "${name}")`),
  ];
  const bindings = [
    ...Object.entries(objects).map(
      ([name, className]) => `(name = "${name}", durableObjectNamespace = "${className}")`,
    ),
    ...Object.entries(texts).map(([name, text]) => `(name = "${name}", text = ${JSON.stringify(text)})`),
    ...(self === undefined ? [] : [`(name = "${self}", service = "main")`]),
  ];
  const classes = Object.values(objects).map(
    (className) => `(className = "${className}", uniqueKey = "${className}", enableSql = true)`,
  );
  const disk =
    storage === undefined ? "" : `, (name = "disk", disk = (path = "${storage}", writable = true))`;
  const kept = storage === undefined ? "(inMemory = void)" : `(localDisk = "disk")`;
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = .main), (name = "internet", network = (allow = ["public", "private"]))${disk}],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")],
  v8Flags = [${flags.map((flag) => `"${flag}"`).join(", ")}],
);
const main :Workerd.Worker = (
  modules = [${modules.join(", ")}],
  compatibilityDate = "${date}",
  bindings = [${bindings.join(", ")}],
  durableObjectNamespaces = [${classes.join(", ")}],
  durableObjectStorage = ${kept},
);
`;
}
