import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../../demo/node/main.ts", import.meta.url));

test("npm run demo:node shows a power cut on a real containerd, and says that all went well", async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [MAIN], { timeout: 120_000 });
  expect(stdout).toMatch(/Result: (\d+) of \1 steps went as promised\./);
}, 120_000);
