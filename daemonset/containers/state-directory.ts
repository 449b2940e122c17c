/**
 * What containerd's state directory (`/run/containerd`, beside its socket) shows that its CRI does not: a create that
 * hangs, and a start that has begun. Read only. containerd makes `io.containerd.grpc.v1.cri/containers/<id>` before it
 * looks at any mount source (container_create.go, 1.6 to 2.x) and `io.containerd.runtime.v2.task/k8s.io/<id>` before
 * it runs anything for a task; both are gone with the container, and after a reboot.
 */
import { access, readdir } from "node:fs/promises";
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
   * Whether a task of this container exists or is being made.
   *
   * @throws Error if that can't be told
   */
  readonly hasTask: (containerID: string) => Promise<boolean>;
}

const ID = /^[0-9a-f]{64}$/;

export function containerdStateDirectory(directory: string): StateDirectory {
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
      try {
        await access(join(directory, "io.containerd.runtime.v2.task", "k8s.io", containerID));
        return true;
      } catch (cause) {
        if (codeOf(cause) === "ENOENT") return false;
        throw new Error(`look for a task of container ${containerID} in ${directory}`, { cause });
      }
    },
  };
}
