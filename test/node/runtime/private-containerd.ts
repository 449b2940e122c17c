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

export interface ContainerdPlace {
  /** A command line that makes the place where containerd runs, and then runs it in its own stead. */
  readonly wrap: (folder: string, argv: readonly string[]) => readonly string[];
  /** Where CNI plugins are. */
  readonly binDir: (folder: string) => string;
  /** Made before the first start. */
  readonly prepare: (folder: string) => Promise<void>;
}

/** `native` copies whole images, and works on whatever file system the temporary folder has; nodes use `overlayfs`. */
export type Snapshotter = "native" | "overlayfs";

export async function startPrivateContainerd(
  line: ContainerdLine = "1.6",
  place?: ContainerdPlace,
  snapshotter: Snapshotter = "native",
): Promise<PrivateContainerd> {
  const binaries = await containerdBinaries(line);
  const daemon = await startIsolated({
    name: "containerd",
    command: async (folder) => {
      await mkdir(join(folder, "net.d"));
      const binDir = place?.binDir(folder) ?? "/usr/lib/cni";
      await writeFile(join(folder, "config.toml"), config(folder, binDir, snapshotter));
      await place?.prepare(folder);
      // It looks for its shim in PATH first.
      const path = `PATH=${binaries.folder}:${process.env["PATH"] ?? ""}`;
      const argv = ["env", path, "containerd", "--config", join(folder, "config.toml")];
      return place?.wrap(folder, argv) ?? argv;
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
    await importImage(daemon.folder, socketPath, snapshotter);
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return { ...daemon, socketPath };
}

async function importImage(folder: string, socketPath: string, snapshotter: Snapshotter): Promise<void> {
  const archive = join(folder, "image.tar");
  const signal = AbortSignal.timeout(120_000);
  await writeBusyboxImage({ name: testImage, command: ["/bin/sleep", "3600"] }, archive, signal);
  // The oldest does it all itself; that of 2.1 leaves it to containerd, which unpacks for its default snapshotter only.
  const program = join((await containerdBinaries("1.6")).folder, "ctr");
  const ctr = [program, "--address", socketPath, "--namespace", "k8s.io"] as const;
  await runOrThrow([...ctr, "images", "import", "--snapshotter", snapshotter, archive], {
    timeoutMillis: 60_000,
    signal,
  });
}

function config(folder: string, binDir: string, snapshotter: Snapshotter): string {
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
  bin_dir = "${binDir}"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "${snapshotter}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}
