import { join } from "node:path";
import { defineConfig } from "vitest/config";

// .ci/run adds up what every part of the tests reports here.
const countsFile = process.env["NODELATCH_COUNTS_FILE"];

export default defineConfig({
  test: {
    root: join(import.meta.dirname, "..", ".."),
    include: ["test/node/**/*.node.ts"],
    allowOnly: false,
    passWithNoTests: false,
    reporters: countsFile === undefined ? ["default"] : ["default", ["json", { outputFile: countsFile }]],
    // Each file has runtimes of its own, but all share two processors and one kernel.
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
