/** `npm run demo:node`: the agent's part of the demo on a real containerd, for those who have root on a Debian machine. */
import { tmpdir } from "node:os";
import { ensureContainerdLines } from "../../test/cluster/programs/containerd-lines.ts";
import { ensurePackages } from "../../test/cluster/programs/packages.ts";
import { nodeParts } from "../../test/node/parts.ts";
import { makeRunFolder, removeRunFolder, sweepDeadRuns } from "../../test/node/run-folder.ts";
import { withoutServices } from "../../test/node/service-policy.ts";
import { say } from "../show.ts";
import { realNode } from "./real.ts";
import { showNode } from "./show-node.ts";

async function main(signal: AbortSignal): Promise<number> {
  if (process.platform !== "linux" || process.geteuid?.() !== 0) {
    throw new Error("a real containerd needs root on Linux; npm run demo shows the same without");
  }
  await withoutServices(async () =>
    ensurePackages({ needer: "the demo", parts: nodeParts, log: say, signal }),
  );
  await ensureContainerdLines({ log: say, signal });
  await sweepDeadRuns(tmpdir(), say);
  const folder = await makeRunFolder(tmpdir());
  process.env["TMPDIR"] = folder;
  try {
    return await showNode(realNode);
  } finally {
    await removeRunFolder(folder);
  }
}

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupt.abort(new Error(`ended by ${name}`)));
}
process.exitCode = await main(interrupt.signal).catch((error: unknown) => {
  console.error("demo:", error instanceof Error ? error.message : error);
  return 1;
});
