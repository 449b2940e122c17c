/** From runtimes that answer to what a pass works on. */
import { access } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { PassTarget } from "./containers/pass-request.ts";
import { containerdStateDirectory } from "./containers/state-directory.ts";
import { resolveHostPath } from "./runtime/detect/host-path.ts";
import type { CurrentRuntime } from "./runtime/detect/watch.ts";

/** Never rejects: without its state directory a runtime is worked on as well. */
export async function targetOf(current: CurrentRuntime, hostRoot: string): Promise<PassTarget> {
  const plain = { key: current.hostPath, runtime: current.runtime };
  if (current.name !== "containerd") return plain;
  const directory = await stateDirectoryOf(current.hostPath, hostRoot);
  if (directory === undefined) return plain;
  const state = containerdStateDirectory(directory, await resolveHostPath(hostRoot, current.hostPath));
  return { ...plain, suspectedCreates: state.madeContainerIDs, hasTask: state.hasTask };
}

/** Beside the socket; one level deeper with k0s and MicroK8s. Undefined where it is not visible from here. */
async function stateDirectoryOf(socketHostPath: string, hostRoot: string): Promise<string | undefined> {
  const beside = dirname(socketHostPath);
  for (const hostPath of [beside, join(beside, "containerd")]) {
    try {
      const directory = await resolveHostPath(hostRoot, hostPath);
      await access(join(directory, "io.containerd.runtime.v2.task"));
      return directory;
    } catch {
      // Not there, or not to be seen: the next one.
    }
  }
  return undefined;
}
