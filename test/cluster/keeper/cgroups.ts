import { access, mkdir, readFile, readdir, rmdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const mountPoint = "/sys/fs/cgroup";

/** The cgroup, in every hierarchy, that holds all cgroups of one cluster. */
export function clusterCgroup(clusterId: string): string {
  return `nodelatch-${clusterId}`;
}

/** The cgroup of everything that is not in a container: it can be removed only when all of it has ended. */
export function systemCgroup(clusterId: string): string {
  return `${clusterCgroup(clusterId)}/system`;
}

/** The cgroup under which one machine's kubelet makes its own. */
export function machineCgroup(clusterId: string, machine: string): string {
  return `${clusterCgroup(clusterId)}/${machine}`;
}

/** The folders under which a cgroup must be made: one per mounted v1 hierarchy, or the single v2 one. */
export async function cgroupHierarchies(): Promise<readonly string[]> {
  if (await exists(join(mountPoint, "cgroup.controllers"))) return [mountPoint];
  const entries = await readdir(mountPoint, { withFileTypes: true });
  // Links such as cpu,cpuacct -> cpu name the same hierarchy twice.
  return entries.filter((entry) => entry.isDirectory()).map((entry) => join(mountPoint, entry.name));
}

/** Makes `name` in every hierarchy, ready to hold processes (or children, once their maker passes controllers on). */
export async function createCgroup(name: string): Promise<void> {
  for (const hierarchy of await cgroupHierarchies()) {
    let folder = hierarchy;
    for (const part of name.split("/")) {
      await delegate(folder);
      const parent = folder;
      folder = join(folder, part);
      await mkdir(folder, { recursive: true });
      await copyCpuset(parent, folder);
    }
  }
}

/** Moves this process into `name` in every hierarchy; its children will start there. */
export async function joinCgroup(name: string): Promise<void> {
  for (const hierarchy of await cgroupHierarchies()) {
    // 0 stands for the writer, by whatever number another pid namespace knows it.
    await writeFile(join(hierarchy, name, "cgroup.procs"), "0");
  }
}

/** Removes `name` with everything below it from every hierarchy. Waits for dying processes to leave, at most `deadlineMillis`. */
export async function removeCgroup(name: string, deadlineMillis: number): Promise<void> {
  const end = performance.now() + deadlineMillis;
  for (const hierarchy of await cgroupHierarchies()) {
    const folder = join(hierarchy, name);
    for (;;) {
      if (await removeTree(folder)) break;
      if (performance.now() > end)
        throw new Error(`cgroup ${folder} still holds processes after ${deadlineMillis} ms`);
      await sleep(50);
    }
  }
}

/** Names of top-level cgroups starting with `prefix`, in any hierarchy. */
export async function listCgroups(prefix: string): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const hierarchy of await cgroupHierarchies()) {
    for (const entry of await readdir(hierarchy, { withFileTypes: true })) {
      if (entry.isDirectory() && entry.name.startsWith(prefix)) names.add(entry.name);
    }
  }
  return [...names];
}

/** Children first; true when nothing is left. */
async function removeTree(folder: string): Promise<boolean> {
  if (!(await exists(folder))) return true;
  let gone = true;
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && !(await removeTree(join(folder, entry.name)))) gone = false;
  }
  if (!gone) return false;
  try {
    await rmdir(folder);
    return true;
  } catch {
    return !(await exists(folder));
  }
}

/** cgroup v2: children get the controllers their parent passes on. No such file in v1. */
async function delegate(folder: string): Promise<void> {
  const controllers = join(folder, "cgroup.controllers");
  if (!(await exists(controllers))) return;
  const wanted = (await readFile(controllers, "utf8")).split(/\s+/).filter((name) => name !== "");
  const subtree = join(folder, "cgroup.subtree_control");
  const passed = (await readFile(subtree, "utf8")).split(/\s+/);
  const missing = wanted.filter((name) => !passed.includes(name));
  if (missing.length > 0) await writeFile(subtree, missing.map((name) => `+${name}`).join(" "));
}

/** cgroup v1: a new cpuset is empty and takes no process until it names CPUs and memory nodes. */
async function copyCpuset(parent: string, folder: string): Promise<void> {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const isVersion2 = await exists(join(folder, "cgroup.controllers"));
    if (isVersion2 || !(await exists(join(folder, file)))) continue;
    const current = (await readFile(join(folder, file), "utf8")).trim();
    if (current === "") await writeFile(join(folder, file), await readFile(join(parent, file), "utf8"));
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
