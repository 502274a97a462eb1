import { defineConfig } from "tsup";

export default defineConfig({
  entry: {
    index: "src/index.ts",
    "port/index": "src/port/index.ts",
    "redis/index": "src/redis/index.ts",
    "testing/index": "src/testing/index.ts",
    "worker/index": "src/worker/index.ts",
    "worker/entry": "src/worker/entry.ts",
  },
  format: "esm",
  target: "es2022",
  // tsup's declaration bundler sets `baseUrl`, which the compiler calls deprecated.
  dts: { compilerOptions: { ignoreDeprecations: "6.0" } },
  sourcemap: true,
  clean: true,
});
