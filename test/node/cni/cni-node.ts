/**
 * A node with real CNI plugins: containerd in pid, mount and network namespaces of its own, `/var/lib` of its own, and
 * the agent's real parts outside, which see it through `/proc/PID/root` as they do from a pod.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { codeOf } from "../../../daemonset/host/reason.ts";
import { openCri, type CriRuntime } from "../../../daemonset/runtime/cri.ts";
import {
  openCriDriver,
  type CriDriver,
  type TestPod,
} from "../../../daemonset/runtime/testing/cri-driver.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { textAt } from "../../../daemonset/runtime/testing/shape.ts";
import { runOrThrow, type Argv } from "../../cluster/process/run.ts";
import type { ContainerdLine } from "../../cluster/programs/containerd-lines.ts";
import { startPrivateContainerd, testImage, type PrivateContainerd } from "../runtime/private-containerd.ts";

/** Of a range that nothing else on the machine uses: the agent looks into every namespace that there is. */
export const SUBNET = "10.213.7.0/24";
export const NETWORK = "pods";
const PLUGINS = "/usr/lib/cni";
const plugin = fileURLToPath(new URL("../machines/control-cni.ts", import.meta.url));

export interface NodeOptions {
  readonly line?: ContainerdLine;
  /** Of the pods' network. Defaults to SUBNET. */
  readonly subnet?: string;
}

/**
 * Runs in the namespaces of the daemon, each time before it: what is there already stays. The network namespace is held
 * by a mount, so that it outlives a kill of the daemon alone and goes with the power.
 */
const makePlace = `
folder=$0
mountpoint -q /var/lib/cni || {
  mkdir -p "$folder/lib/cni" && mount --bind "$folder/lib" /var/lib && mount --bind "$folder/lib/cni" /var/lib/cni &&
  mount --bind "$folder/log-dir" /var/log && umount /var/lib/cni
}
[ -e /run/netns/node ] || { ip netns add node && ip -n node link set lo up; }
exec nsenter --net=/run/netns/node -- "$@"`;

export class CniNode {
  readonly containerd: PrivateContainerd;
  readonly runtime: CriRuntime;
  readonly driver: CriDriver;
  readonly agentPod: TestPod = { ...somePod(), name: "nodelatch-agent" };
  /** A boot of the node has one. */
  bootID = "boot-1";
  #pid = 0;
  #boots = 1;

  private constructor(containerd: PrivateContainerd) {
    this.containerd = containerd;
    const { socketPath } = containerd;
    this.driver = openCriDriver({ socketPath, image: testImage, cgroupParent: containerd.cgroup });
    this.runtime = openCri({ socketPath, hostPath: "/run/containerd/containerd.sock", callMillis: 20_000 });
  }

  static async start({ line = "1.6", subnet = SUBNET }: NodeOptions = {}): Promise<CniNode> {
    const containerd = await startPrivateContainerd(
      line,
      {
        wrap: (folder, argv) => ["sh", "-c", makePlace, folder, ...argv],
        binDir: (folder) => join(folder, "bin"),
        prepare: async (folder) => {
          for (const name of ["bin", "lib", "lib/cni", "log-dir"])
            await mkdir(join(folder, name), { recursive: true });
          for (const name of readdirSync(PLUGINS)) {
            if (name !== "control-cni") symlinkSync(join(PLUGINS, name), join(folder, "bin", name));
          }
          const script = `#!/bin/sh\nexec ${process.execPath} ${plugin}\n`;
          writeFileSync(join(folder, "bin", "control-cni"), script, { mode: 0o755 });
          writeFileSync(join(folder, "net.d", "10-pods.conflist"), networkConf(subnet));
        },
        // The other one stumbles over what it has left itself when it was killed ("snapshots/278: file exists").
      },
      "overlayfs",
    );
    const node = new CniNode(containerd);
    try {
      await node.#settle();
      return node;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.runtime.close();
    this.driver.close();
    await this.containerd.stop();
  }

  async #settle(): Promise<void> {
    const [, target = ""] = await this.containerd.inside(["true"]);
    this.#pid = Number(target.replace("--target=", ""));
    // As kubelet: the agent's pod is one of the first, in the node's own network.
    await this.driver.runSandbox(this.agentPod, this.#boots);
  }

  /** Where the agent sees the node's file system. */
  get root(): string {
    return `/proc/${this.#pid}/root`;
  }

  /** A path of the node as the agent sees it. */
  at(hostPath: string): string {
    return join(this.root, hostPath);
  }

  get networkDirectory(): string {
    return this.at(`/var/lib/cni/networks/${NETWORK}`);
  }

  get confDir(): string {
    return join(this.containerd.folder, "net.d");
  }

  /** Everything ends; what is on the disk stays. A new boot, with the agent's pod running again. */
  async cutPower(meanwhile?: () => Promise<void>): Promise<void> {
    await this.containerd.cutPower(meanwhile);
    this.#boots += 1;
    this.bootID = `boot-${this.#boots}`;
    await this.#settle();
  }

  /** What `/var/lib` of the node is for everybody else, also while it is off. */
  get disk(): string {
    return join(this.containerd.folder, "lib");
  }

  /** A pod with an address; gives its sandbox's id. */
  async runPod(pod = somePod(), attempt = 0, driver = this.driver): Promise<string> {
    const answer = await driver.call("RunPodSandbox", {
      config: {
        metadata: { ...pod, attempt },
        hostname: "pod",
        log_directory: join(this.containerd.folder, "pod-logs"),
        labels: {
          "io.kubernetes.pod.uid": pod.uid,
          "io.kubernetes.pod.namespace": pod.namespace,
          "io.kubernetes.pod.name": pod.name,
        },
        linux: {
          cgroup_parent: this.containerd.cgroup,
          security_context: { namespace_options: { network: 0 } },
        },
      },
    });
    return textAt(answer, "pod_sandbox_id");
  }

  async removePod(id: string): Promise<void> {
    await this.driver.stopSandbox(id);
    await this.driver.removeSandbox(id);
  }

  /** Address to owner, without the files that are no leases. A lease that goes before it is read is none any more. */
  leases(directory = this.networkDirectory): ReadonlyMap<string, string> {
    const entries = readdirSync(directory, { withFileTypes: true });
    // A read of a pipe would wait for ever.
    const names = entries
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .filter((name) => /^[0-9a-f:.]+$/.test(name));
    const leases = new Map<string, string>();
    for (const name of names) {
      const text = textIfThere(join(directory, name));
      if (text !== undefined) leases.set(name, text.split("\r\n", 1)[0] ?? "");
    }
    return leases;
  }

  addressOf(id: string): string {
    for (const [address, owner] of this.leases()) if (owner === id) return address;
    throw new Error(`no lease of ${id}`);
  }

  lease(name: string, content: string, directory = this.networkDirectory): void {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, name), content, { mode: 0o600 });
  }

  has(name: string, directory = this.networkDirectory): boolean {
    return readdirSync(directory).includes(name);
  }

  /** Runs a program in the node's mount, pid and network namespaces. */
  async run(...argv: Argv): Promise<string> {
    const inNode = ["nsenter", `--target=${this.#pid}`, "--mount", "--pid", "--"] as const;
    const command = [...inNode, "nsenter", "--net=/run/netns/node", "--", ...argv] as const;
    return (await runOrThrow(command, { timeoutMillis: 60_000 })).stdout;
  }

  /** How the last plugin behaves; see control-cni.ts. */
  control(text: string): void {
    mkdirSync(this.at("/run/nodelatch-test"), { recursive: true });
    writeFileSync(this.at("/run/nodelatch-test/cni"), text);
  }

  async clearNetwork(): Promise<void> {
    await rm(this.networkDirectory, { recursive: true, force: true });
    await mkdir(this.networkDirectory);
  }
}

/** Undefined if there is no such file. */
function textIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

export function networkConf(subnet: string, name = NETWORK): string {
  return JSON.stringify({
    cniVersion: "0.4.0",
    name,
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: false,
        ipam: { type: "host-local", ranges: [[{ subnet }]] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
      { type: "control-cni" },
    ],
  });
}
