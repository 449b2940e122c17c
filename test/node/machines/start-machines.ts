/** Before the test files that need machines, and only then: starts them; vitest ends them after the last one. */
import { fileURLToPath } from "node:url";
import { infoVariable } from "../../cluster/cluster/info.ts";
import { startCluster } from "../../cluster/cluster/start.ts";
import { removeDeadClusters, stopCluster } from "../../cluster/cluster/stop.ts";
import { workPaths } from "../../cluster/config/paths.ts";
import { ensureTools } from "../../cluster/programs/tools.ts";
import { bundle } from "../../../scripts/bundle.ts";
import { machineLines, machineRequest } from "./lines.ts";

const checkout = fileURLToPath(new URL("../../..", import.meta.url));
const startMillis = 60 * 60_000;

export default async function startMachines(): Promise<() => Promise<void>> {
  const log = (line: string): void => console.log(`machines: ${line}`);
  const signal = AbortSignal.timeout(startMillis);
  await removeDeadClusters(log);
  const programs = await ensureTools({ log, signal });
  const machines = await Promise.all(machineLines.map(machineRequest));
  const { info } = await startCluster({ programs, machines, log, signal });
  const infoFile = workPaths(info.workFolder).info;
  try {
    await bundle({
      root: checkout,
      outDir: info.workFolder,
      programs: [
        { name: "agent", entry: "daemonset/main.ts" },
        // Run again and again while something is waited for.
        { name: "list-containers", entry: "test/node/machines/list-containers.ts" },
      ],
    });
  } catch (error) {
    await stopCluster(infoFile);
    throw error;
  }
  // Workers are started later and inherit it.
  process.env[infoVariable] = infoFile;
  return async () => stopCluster(infoFile);
}
