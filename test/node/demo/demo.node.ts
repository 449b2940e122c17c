import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../../demo/node/main.ts", import.meta.url));

test("npm run demo:node shows a power cut on a real containerd, and says that all went well", async () => {
  const demo = promisify(execFile)(process.execPath, [MAIN], { timeout: 120_000 });
  // What it showed until then is the only trace of why it failed.
  const { stdout } = await demo.catch((cause: unknown) => {
    const shown = cause instanceof Error && "stdout" in cause ? String(cause.stdout) : "";
    throw new Error(`the demo failed after:\n${shown.slice(-1_500)}`, { cause });
  });
  expect(stdout).toMatch(/Result: (\d+) of \1 steps went as promised\./);
}, 120_000);
