/**
 * Everything of one run in one folder, so that what a run leaves that was killed is known as such: the next one removes
 * it. Programs find the folder in TMPDIR.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { stopCluster } from "../cluster/cluster/stop.ts";
import { workFolderPrefix, workPaths } from "../cluster/config/paths.ts";
import { removeCgroup } from "../cluster/keeper/cgroups.ts";
import { waitFor } from "../cluster/process/wait-for.ts";

const prefix = "nodelatch-run-";
/** Of a runtime's folder in a run's, and of its cgroup. Short, as sockets lie in it (107 bytes at most for a path). */
export const runtimePrefix = "nl-";
const cgroupDeadlineMillis = 10_000;
/** Runtimes are killed with whoever started them, which the kernel does in its own time. */
const endDeadlineMillis = 30_000;

/** A folder of this process's own in `parent`. */
export async function makeRunFolder(parent: string): Promise<string> {
  return mkdtemp(join(parent, `${prefix}${process.pid}-`));
}

/** Removes folders and cgroups of runs in `parent` that ended without doing so. */
export async function sweepDeadRuns(parent: string, log: (line: string) => void): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(prefix));
  if (names.length === 0) return;
  const used = await foldersInUse();
  for (const name of names) {
    const folder = join(parent, name);
    if (used.has(folder) || (await isMaker(name))) continue;
    log(`removing what a run left that was killed: ${folder}`);
    await removeRunFolder(folder);
  }
}

/**
 * Removes a run's folder, and cgroups that its runtimes left, as soon as nothing of the run lives.
 * @throws Error if something does after half a minute.
 */
export async function removeRunFolder(folder: string): Promise<void> {
  await waitFor(
    `everything in ${folder} to end`,
    async () => {
      const isUsed = (await foldersInUse()).has(folder);
      return isUsed ? { done: false, seen: "a process with that TMPDIR" } : { done: true, value: undefined };
    },
    { deadlineMillis: endDeadlineMillis },
  );
  for (const name of await readdir(folder)) {
    if (name.startsWith(workFolderPrefix)) await stopCluster(workPaths(join(folder, name)).info);
    // Runtimes name theirs after their folders.
    else if (name.startsWith(runtimePrefix)) await removeCgroup(name, cgroupDeadlineMillis);
  }
  await rm(folder, { recursive: true, force: true });
}

/** What processes have as TMPDIR: a run's tests and runtimes may outlive the process that made the folder. */
async function foldersInUse(): Promise<ReadonlySet<string>> {
  const used = new Set<string>();
  for (const pid of await readdir("/proc")) {
    if (!/^\d+$/.test(pid)) continue;
    // One that has ended meanwhile, or is another user's.
    const environment = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    for (const pair of environment.split("\0")) if (pair.startsWith("TMPDIR=")) used.add(pair.slice(7));
  }
  return used;
}

/** True while the process that made it runs; its number may have gone to another program since. */
async function isMaker(name: string): Promise<boolean> {
  const pid = /^nodelatch-run-(\d+)-/.exec(basename(name))?.[1];
  const commandLine = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
  return commandLine.includes("node");
}
