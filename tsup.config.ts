import { copyFile } from "node:fs/promises";
import { defineConfig, type Options } from "tsup";

const ENTRIES = ["cloudflare/index", "index", "port/index", "redis/index", "testing/index", "worker/index"];
const entriesOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

/**
 * In workerd bytes may not be compiled: the core is a module that is imported. And it has a module of its own, of which Durable
 * Objects are made. All else is the same.
 */
const SEAMS: Readonly<Record<string, string>> = {
  "./embedded.ts": "./imported.ts",
  "./platform.ts": "./workerd.ts",
};
const seams: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "seams",
  setup(build) {
    build.onResolve({ filter: /^\.\/(embedded|platform)\.ts$/ }, ({ path, resolveDir }) =>
      build.resolve(SEAMS[path]!, { resolveDir, kind: "import-statement" }),
    );
  },
};

const shared: Options = { format: "esm", target: "es2022", sourcemap: true };

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
    esbuildPlugins: [seams],
    external: [/\.wasm$/, "cloudflare:workers"],
    onSuccess: async () => copyFile("build/private.wasm", "dist/workerd/private.wasm"),
  },
]);
