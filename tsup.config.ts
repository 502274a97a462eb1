import { defineConfig } from "tsup";

// Declarations come from tsc (see package.json): one .d.ts beside each source file, with maps back to it.
export default defineConfig({
  entry: { index: "src/index.ts", "testing/index": "src/testing/index.ts" },
  format: "esm",
  target: "es2022",
  sourcemap: true,
  splitting: true,
  clean: true,
});
