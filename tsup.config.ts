import { copyFile } from "node:fs/promises";
import { defineConfig, type Options } from "tsup";

const ENTRIES = ["index", "port/index", "redis/index", "testing/index", "worker/index"];
const entriesOf = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, `src/${name}.ts`]));

/** In workerd bytes may not be compiled: the core is a module that is imported. All else is the same. */
const importedCore: NonNullable<Options["esbuildPlugins"]>[number] = {
  name: "imported-core",
  setup(build) {
    build.onResolve({ filter: /^\.\/embedded\.ts$/ }, ({ path, resolveDir }) =>
      build.resolve("./imported.ts", { resolveDir, kind: "import-statement", pluginData: path }),
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
    esbuildPlugins: [importedCore],
    external: [/\.wasm$/],
    onSuccess: async () => copyFile("build/private.wasm", "dist/workerd/private.wasm"),
  },
]);
