import { join } from "node:path";
import { defineConfig } from "vitest/config";

const root = join(import.meta.dirname, "..", "..");
// Each file has runtimes of its own, or shares machines; all share two processors and one kernel.
const alone = {
  root,
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 180_000,
  // The default of 1 s is short there.
  expect: { poll: { timeout: 15_000 } },
};

export default defineConfig({
  test: {
    root,
    allowOnly: false,
    passWithNoTests: false,
    fileParallelism: false,
    projects: [
      {
        test: {
          ...alone,
          name: "runtimes",
          include: ["test/node/**/*.node.ts"],
          exclude: ["test/node/machines/**"],
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...alone,
          name: "machines",
          include: ["test/node/machines/*.node.ts"],
          globalSetup: ["test/node/machines/start-machines.ts"],
          testTimeout: 700_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
