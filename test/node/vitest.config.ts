import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: join(import.meta.dirname, "..", ".."),
    include: ["test/node/**/*.node.ts"],
    allowOnly: false,
    passWithNoTests: false,
    // Each file has runtimes of its own, but all share two processors and one kernel.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
