import { copyFile } from "node:fs/promises";
import { defineConfig, type Options } from "tsup";

const ENTRIES = [
  "cloudflare/index",
  "index",
  "port/index",
  "redis/index",
  "testing/index",
  "threads/index",
  "worker/index",
];
const entriesOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

/** What the build for workerd has in place of what, each with its reason at its head. All else is the same. */
const IN_WORKERD: Readonly<Record<string, string>> = {
  "embedded.ts": "imported.ts",
  "queue-for.ts": "queue-for-workerd.ts",
  "platform.ts": "workerd.ts",
};

const inWorkerd: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "in-workerd",
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir }) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      const other = IN_WORKERD[name];
      if (other === undefined) return undefined;
      return build.resolve(path.replace(name, other), { resolveDir, kind: "import-statement" });
    });
  },
};

const shared: Options = {
  format: "esm",
  target: "es2022",
  sourcemap: true,
  // Deno, workerd and bundlers for pages tell Node's modules from others by their `node:`.
  removeNodeProtocol: false,
};

export default defineConfig([
  {
    ...shared,
    entry: entriesOf([...ENTRIES, "worker/entry"]),
    clean: ["!workerd"],
    // tsup's declaration bundler sets `baseUrl`, which the compiler calls deprecated.
    dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  },
  {
    ...shared,
    entry: entriesOf(ENTRIES),
    outDir: "dist/workerd",
    clean: true,
    esbuildPlugins: [inWorkerd],
    external: [/\.wasm$/, "cloudflare:workers"],
    onSuccess: async () => copyFile("build/private.wasm", "dist/workerd/private.wasm"),
  },
]);
