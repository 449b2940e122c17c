/** A containerd of the test's own, of any line, with one image. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { writeBusyboxImage } from "../../cluster/cluster/image-archive.ts";
import { runOrThrow } from "../../cluster/process/run.ts";
import { containerdBinaries, type ContainerdLine } from "../../cluster/programs/containerd-lines.ts";
import { openCri } from "../../../daemonset/runtime/cri.ts";
import { startIsolated, type IsolatedDaemon } from "./isolated.ts";

export const testImage = "docker.io/library/nodelatch-test-pause:1";

export interface PrivateContainerd extends IsolatedDaemon {
  readonly socketPath: string;
}

export async function startPrivateContainerd(line: ContainerdLine = "1.6"): Promise<PrivateContainerd> {
  const binaries = await containerdBinaries(line);
  const daemon = await startIsolated({
    name: "containerd",
    command: async (folder) => {
      await mkdir(join(folder, "net.d"));
      await writeFile(join(folder, "config.toml"), config(folder));
      // It looks for its shim in PATH first.
      const path = `PATH=${binaries.folder}:${process.env["PATH"] ?? ""}`;
      return ["env", path, "containerd", "--config", join(folder, "config.toml")];
    },
    ready: async (folder) => {
      const runtime = openCri({ socketPath: join(folder, "c.sock"), hostPath: join(folder, "c.sock") });
      try {
        await runtime.listContainers(AbortSignal.timeout(5_000));
      } finally {
        runtime.close();
      }
    },
    volatile: ["state"],
    deadlineMillis: 60_000,
  });
  const socketPath = join(daemon.folder, "c.sock");
  try {
    await importImage(daemon.folder, socketPath);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { ...daemon, socketPath };
}

async function importImage(folder: string, socketPath: string): Promise<void> {
  const archive = join(folder, "image.tar");
  const signal = AbortSignal.timeout(120_000);
  await writeBusyboxImage({ name: testImage, command: ["/bin/sleep", "3600"] }, archive, signal);
  // The oldest does it all itself; that of 2.1 leaves it to containerd, which unpacks for its default snapshotter only.
  const program = join((await containerdBinaries("1.6")).folder, "ctr");
  const ctr = [program, "--address", socketPath, "--namespace", "k8s.io"] as const;
  await runOrThrow([...ctr, "images", "import", "--snapshotter", "native", archive], {
    timeoutMillis: 60_000,
    signal,
  });
}

function config(folder: string): string {
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"

[grpc]
  address = "${folder}/c.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${testImage}"
  # Lowering a score needs CAP_SYS_RESOURCE, which containers in CI often lack.
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
  conf_dir = "${folder}/net.d"

[plugins."io.containerd.grpc.v1.cri".containerd]
  # Works on whatever file system the temporary folder has.
  snapshotter = "native"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}
