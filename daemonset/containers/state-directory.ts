/**
 * What containerd's state directory (`/run/containerd`, beside its socket) shows that its CRI does not: a create that
 * hangs, and a start that has begun. Read only. containerd makes `io.containerd.grpc.v1.cri/containers/<id>` before it
 * looks at any mount source (container_create.go, 1.6 to 2.x) and the bundle, `io.containerd.runtime.v2.task/k8s.io/<id>`,
 * before it runs anything for a task; both are gone with the container, and after a reboot.
 */
import { access, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../host/reason.ts";

export interface StateDirectory {
  /**
   * IDs of containers that are there or being made. A hung create shows here and in no list. Empty where there is no
   * such directory (another runtime, nothing made yet).
   *
   * @throws Error if the directory is there and can't be read
   */
  readonly madeContainerIDs: () => Promise<readonly string[]>;
  /**
   * Whether a task of this container exists or is being made. The bundle of a start that ended with a containerd is
   * none: 1.6 keeps it (seen with 1.6.20 killed while runc hung), and nothing will ever come of it.
   *
   * @throws Error if that can't be told
   */
  readonly hasTask: (containerID: string) => Promise<boolean>;
}

const ID = /^[0-9a-f]{64}$/;

/** @param socketPath containerd's socket, which it makes anew each time it starts. */
export function containerdStateDirectory(directory: string, socketPath: string): StateDirectory {
  return {
    async madeContainerIDs() {
      try {
        const names = await readdir(join(directory, "io.containerd.grpc.v1.cri", "containers"));
        return names.filter((name) => ID.test(name));
      } catch (cause) {
        if (codeOf(cause) === "ENOENT") return [];
        throw new Error(`list containers being made in ${directory}`, { cause });
      }
    },
    async hasTask(containerID) {
      if (!ID.test(containerID))
        throw new Error(`container ID ${containerID}: expected 64 hexadecimal digits`);
      const bundle = join(directory, "io.containerd.runtime.v2.task", "k8s.io", containerID);
      try {
        return (await isThere(bundle)) && !(await isLeftOver(bundle, socketPath));
      } catch (cause) {
        throw new Error(`look for a task of container ${containerID} in ${directory}`, { cause });
      }
    },
  };
}

/**
 * The containerd that began this start has ended, and no process came of it: runc writes `init.pid` when it has made one.
 * Dates are of the same clock; where it was set between them, or there is a doubt, the start counts as under way.
 */
async function isLeftOver(bundle: string, socketPath: string): Promise<boolean> {
  // Written first, and once.
  const begunMillis = await modifiedMillis(join(bundle, "config.json"));
  const containerdMillis = await modifiedMillis(socketPath);
  if (begunMillis === undefined || containerdMillis === undefined) return false;
  return begunMillis < containerdMillis && !(await isThere(join(bundle, "init.pid")));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Undefined if it is not there. */
async function modifiedMillis(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
