import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["**/*.test.ts"],
    exclude: ["**/node_modules/**", "dist/**"],
    // Focused tests would silently leave the rest out.
    allowOnly: false,
    passWithNoTests: false,
    testTimeout: 20_000,
  },
});
