import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/keeping.ts"],
    testTimeout: 30_000,
    // Of the tests that say that they may run beside each other.
    maxConcurrency: 2,
  },
});
