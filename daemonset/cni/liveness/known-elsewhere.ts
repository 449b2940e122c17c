/** Ids that podman, CRI-O and nerdctl keep on disk: whatever still has a file there is not this agent's to forget. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../../host/reason.ts";
import { resolveHostPath } from "../../runtime/detect/host-path.ts";

const ID = /^[0-9a-f]{64}$/;

/** @throws Error if a directory is there and can't be read */
export async function idsOnDisk(hostRoot: string): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  const add = (names: readonly string[]): void => {
    for (const name of names) if (ID.test(name)) ids.add(name);
  };
  const list = async (...path: readonly string[]): Promise<readonly string[]> =>
    namesIn(hostRoot, join(...path));
  const storage = "/var/lib/containers/storage";
  // overlay-containers, vfs-containers: named after the driver.
  for (const name of await list(storage)) if (name.endsWith("-containers")) add(await list(storage, name));
  const nerdctl = "/var/lib/nerdctl";
  // One directory for each containerd, in it one for each of its namespaces.
  for (const address of await list(nerdctl)) {
    for (const namespace of await list(nerdctl, address, "containers")) {
      add(await list(nerdctl, address, "containers", namespace));
    }
  }
  return ids;
}

async function namesIn(hostRoot: string, hostPath: string): Promise<readonly string[]> {
  try {
    return await readdir(await resolveHostPath(hostRoot, hostPath));
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw new Error(`list ${hostPath}`, { cause });
  }
}
