import { access, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { workFolderPrefix, workPaths } from "../config/paths.ts";
import { readPlan } from "../config/plan.ts";
import { clusterCgroup, removeCgroup } from "../keeper/cgroups.ts";
import { waitFor } from "../process/wait-for.ts";
import { askCluster, isAlive } from "./control-client.ts";

const stopDeadlineMillis = 60_000;
const youngMillis = 10 * 60_000;

/**
 * Ends the cluster described by a cluster.json and removes its folder. Its keeper removes the cgroups; where the
 * keeper is gone as well, this does. Does nothing when no such cluster is there.
 */
export async function stopCluster(infoFile: string): Promise<void> {
  const paths = workPaths(dirname(infoFile));
  if (await isAlive(paths.controlSocket)) {
    await askCluster(paths.controlSocket, { action: "shutdown" }, 10_000);
    await waitFor(
      "the cluster to end",
      async () => ((await exists(paths.controlSocket)) ? { done: false, seen: "its socket" } : done),
      { deadlineMillis: stopDeadlineMillis, intervalMillis: 50 },
    );
  }
  if (await exists(paths.plan)) {
    const { id } = await readPlan(paths.plan);
    await removeCgroup(clusterCgroup(id), stopDeadlineMillis);
  }
  await rm(paths.root, { recursive: true, force: true });
}

/**
 * Removes what clusters left whose keeper was killed: their processes are gone, folders and cgroups may not be.
 * A folder without cluster.json may belong to one that is starting, so it is spared while it is young.
 */
export async function removeDeadClusters(log: (line: string) => void): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(workFolderPrefix)) continue;
    const root = join(tmpdir(), name);
    const paths = workPaths(root);
    if (await isAlive(paths.controlSocket)) continue;
    const started = await exists(paths.info);
    const ageMillis = Date.now() - (await stat(root)).mtimeMs;
    if (!started && ageMillis < youngMillis) continue;
    log(`removing what a dead cluster left: ${root}`);
    await stopCluster(paths.info);
  }
}

const done = { done: true, value: undefined } as const;

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
