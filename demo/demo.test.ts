import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const run = (...argv: string[]) =>
  promisify(execFile)(process.execPath, [MAIN, ...argv], { timeout: 110_000 });

test(
  "the demo shows a lock, its refusals, break-glass and release, kured's reboot, then a node after a power cut, and says that all went well",
  { timeout: 115_000 },
  async () => {
    const { stdout } = await run();
    expect(stdout).toMatch(
      /error: admission webhook "guard\.nodelatch\.io" denied the request: node node-1 is locked for reboot by alice \(kernel update\) since \d\d:\d\dZ; to break it: kubectl annotate node node-1 nodelatch\.io\/override="<reason>"/,
    );
    expect(stdout).toContain(
      "Warning: nodelatch: the reboot lock on node-1 was broken; it was held by alice",
    );
    expect(stdout).toMatch(
      /node node-2 is locked for reboot by system:serviceaccount:kube-system:kured on node node-2 \(cordoned by kured\)/,
    );
    expect(stdout.match(/Result: (\d+) of \1 steps went as promised\./g)).toHaveLength(2);
    expect(stdout).toContain("before         9       4       0       5");
    expect(stdout).toContain("0 leases predate this boot");
  },
);

test.each([["--nonsense"], ["--kubeconfig", "/nowhere"]])("%s ends with a message and 1", async (...argv) => {
  await expect(run(...argv)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining("demo: ") as unknown,
  });
});
