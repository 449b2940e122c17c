import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// .ci/run adds up what every part of the tests reports here.
const countsFile = process.env["NODELATCH_COUNTS_FILE"];

// The image holds this machine's own Node and libraries: built, and so tested, on Linux only.
const elsewhere = process.platform === "linux" ? [] : ["**/*.linux.test.ts"];

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**", ...elsewhere],
    globalSetup: ["test/own-temporary-folder.ts"],
    // Focused tests would silently leave the rest out.
    allowOnly: false,
    // The default of 1 s is short where two processors are shared.
    expect: { poll: { timeout: 15_000 } },
    passWithNoTests: false,
    reporters: countsFile === undefined ? ["default"] : ["default", ["json", { outputFile: countsFile }]],
    // A bound, not an expectation: the slowest takes 7 s where nothing else runs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Many files mostly wait. On 2 processors: 45 s with three workers, 106 s with the default of one (2026-11-21).
    maxWorkers: Math.max(3, availableParallelism()),
  },
});
