/** A containerd that can be killed and cut off, and what a kubelet and the agent do to it. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PassTarget } from "../../../daemonset/containers/pass-request.ts";
import { containerdStateDirectory } from "../../../daemonset/containers/state-directory.ts";
import { openCri } from "../../../daemonset/runtime/cri.ts";
import type { ContainerRuntime } from "../../../daemonset/runtime/runtime.ts";
import {
  openCriDriver,
  type CriDriver,
  type TestPod,
} from "../../../daemonset/runtime/testing/cri-driver.ts";
import type { ContainerdLine } from "../../cluster/programs/containerd-lines.ts";
import {
  startPrivateContainerd,
  testImage,
  type PrivateContainerd,
  type Snapshotter,
} from "../runtime/private-containerd.ts";

export interface ContainerdNode {
  readonly containerd: PrivateContainerd;
  readonly runtime: ContainerRuntime;
  readonly driver: CriDriver;
  /** As the agent sees it, state directory included. */
  readonly target: PassTarget;
  /** Another kubelet's connection; it gives calls up after so long. */
  openDriver(callMillis?: number): CriDriver;
  stop(): Promise<void>;
}

export async function startContainerdNode(
  line?: ContainerdLine,
  snapshotter?: Snapshotter,
): Promise<ContainerdNode> {
  const containerd = await startPrivateContainerd(line, undefined, snapshotter);
  const { socketPath } = containerd;
  const openDriver = (callMillis = 60_000) =>
    openCriDriver({ socketPath, image: testImage, cgroupParent: containerd.cgroup, callMillis });
  const driver = openDriver();
  const runtime = openCri({ socketPath, hostPath: socketPath, callMillis: 20_000 });
  const state = containerdStateDirectory(join(containerd.folder, "state"), socketPath);
  return {
    containerd,
    runtime,
    driver,
    target: {
      key: socketPath,
      runtime,
      suspectedCreates: state.madeContainerIDs,
      hasTask: state.hasTask,
    },
    openDriver,
    async stop() {
      runtime.close();
      driver.close();
      await containerd.stop();
    },
  };
}

/** Where containerd keeps what CRI says of a container; survives a reboot. */
export function statusFile(node: ContainerdNode, id: string): string {
  return join(node.containerd.folder, "root", "io.containerd.grpc.v1.cri", "containers", id, "status");
}

/** As if the clock had been ahead by that much when the container was made. Only while containerd is down. */
export async function moveCreatedAt(node: ContainerdNode, id: string, nanos: bigint): Promise<void> {
  const file = statusFile(node, id);
  const before = await readFile(file, "utf8");
  // 64-bit numbers do not survive JSON.parse.
  const after = before.replace(
    /"CreatedAt":(\d+)/,
    (_, date: string) => `"CreatedAt":${BigInt(date) + nanos}`,
  );
  if (after === before) throw new Error(`${file}: expected CreatedAt in ${before}`);
  await writeFile(file, after);
}

/**
 * The attempt that kubelet makes next: one more than that of the container with the latest date, else one more than
 * the highest that has a log (calcRestartCountByLogDir).
 */
export async function nextAttempt(
  node: ContainerdNode,
  pod: TestPod,
  highestLogged: number,
): Promise<number> {
  const signal = AbortSignal.timeout(60_000);
  const listed = await node.runtime.listContainers(signal);
  const own = listed.filter((container) => container.pod?.uid === pod.uid);
  const statuses = await Promise.all(own.map(async ({ id }) => node.runtime.containerState(id, signal)));
  const newest = statuses
    .filter((status) => status !== undefined)
    .toSorted((a, b) => (a.createdAtNanos < b.createdAtNanos ? 1 : -1))[0];
  return (newest?.attempt ?? highestLogged) + 1;
}
