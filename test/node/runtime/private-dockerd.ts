/** A dockerd of the test's own, with its own containerd below it and one image. */
import { join } from "node:path";
import { writeBusyboxImage } from "../../cluster/cluster/image-archive.ts";
import { openEngine } from "../../../daemonset/runtime/engine/engine.ts";
import { openEngineDriver, type EngineDriver } from "../../../daemonset/runtime/testing/engine-driver.ts";
import { startIsolated, type IsolatedDaemon } from "./isolated.ts";

const image = "nodelatch-test-busybox:1";

export interface PrivateDockerd extends IsolatedDaemon {
  readonly socketPath: string;
  readonly driver: EngineDriver;
}

export async function startPrivateDockerd(): Promise<PrivateDockerd> {
  const daemon = await startIsolated({
    name: "dockerd",
    command: async (folder, cgroup) =>
      Promise.resolve([
        "dockerd",
        "--bridge=none",
        "--iptables=false",
        "--ip6tables=false",
        // Works on whatever file system the temporary folder has.
        "--storage-driver=vfs",
        `--data-root=${folder}/data`,
        `--exec-root=${folder}/exec`,
        `--pidfile=${folder}/pid`,
        `--host=unix://${folder}/d.sock`,
        `--cgroup-parent=${cgroup}`,
      ]),
    ready: async (folder) => {
      const socketPath = join(folder, "d.sock");
      await openEngine({ socketPath, hostPath: socketPath }).listContainers(AbortSignal.timeout(5_000));
    },
    deadlineMillis: 90_000,
  });
  const socketPath = join(daemon.folder, "d.sock");
  const driver = openEngineDriver({ socketPath, image });
  try {
    const archive = join(daemon.folder, "image.tar");
    const name = { name: image, command: ["/bin/sleep", "3600"] };
    await writeBusyboxImage(name, archive, AbortSignal.timeout(60_000));
    await driver.loadImage(archive);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { ...daemon, socketPath, driver };
}
