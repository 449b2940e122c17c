/** One machine of test:node, as its tests use it. */
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { openTestCluster, type Cluster } from "../../cluster/cluster/cluster.ts";
import { workPaths } from "../../cluster/config/paths.ts";
import { fields, text } from "../../cluster/config/plan.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import type { ContainerdLine } from "../../cluster/programs/containerd-lines.ts";
import { cniControlFile, cniLogFile, heldPodsFile, type NamedLine } from "./lines.ts";

export interface ListedContainer {
  readonly id: string;
  readonly pod: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: string;
  /** State of its sandbox, or `none`. */
  readonly sandbox: string;
}

/** What a last CNI plugin does; see control-cni.ts. */
export interface CniBehaviour {
  readonly holdAddSeconds?: number;
  readonly failDel?: string;
}

export interface Machine {
  readonly name: string;
  readonly line: ContainerdLine;
  readonly cluster: Cluster;
  /** Cuts the power, as `kill -9` of the machine's process 1; everything but its disk is gone. */
  powerOff(): Promise<void>;
  /** A new boot; returns when containerd answers and kubelet is started. Runc and CNI behave again. */
  powerOn(): Promise<void>;
  /** `kill` is SIGKILL; who was stopped or killed stays so until started. */
  service(name: "containerd" | "kubelet", action: "start" | "stop" | "kill"): Promise<void>;
  /** Runs a shell script in the machine; it must succeed. Gives its standard output. */
  shell(script: string, ...args: readonly string[]): Promise<string>;
  /** From now on creating a container of these pods hangs in runc, until released or cut; then it fails. */
  holdCreates(pods: readonly string[]): Promise<void>;
  releaseCreates(): Promise<void>;
  setCni(behaviour: CniBehaviour): Promise<void>;
  /** Calls of the last CNI plugin so far, one a line of JSON with command, id and netns. */
  cniLog(): Promise<string>;
  containers(): Promise<readonly ListedContainer[]>;
  /** Waits until it is listed in that state. */
  waitForContainer(pod: string, attempt: number, state: string): Promise<ListedContainer>;
  /**
   * Returns when kubelet has just collected dead containers; it does so once a minute, and keeps one for each of a pod's
   * containers (pkg/kubelet/kubelet.go: ContainerGCPeriod). Afterwards there is nearly a minute without.
   */
  waitForCollection(): Promise<void>;
  /** Edits what containerd keeps of a container; only while containerd or the machine is off. */
  editStatus(how: "later" | "empty", containerID: string): Promise<void>;
}

const local = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export async function openMachine({ name, line }: NamedLine): Promise<Machine> {
  const cluster = await openTestCluster();
  const disk = join(workPaths(cluster.info.workFolder).state, name);

  async function run(argv: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await cluster.exec(name, argv, 60_000);
    if (code !== 0) throw new Error(`${name}: ${argv.join(" ")} ended with ${code}: ${stderr}${stdout}`);
    return stdout;
  }
  const shell = async (words: string, ...args: readonly string[]) => run(["sh", "-c", words, ...args]);
  const write = async (file: string, content: string) =>
    void (await shell('printf %s "$1" > "$0.new" && mv "$0.new" "$0"', file, content));

  async function containers(): Promise<readonly ListedContainer[]> {
    const program = join(cluster.info.workFolder, "list-containers.mjs");
    const raw: unknown = JSON.parse(await run([process.execPath, program]));
    if (!Array.isArray(raw)) throw new Error(`${name}: expected a list of containers`);
    return raw.map((each: unknown) => {
      const container = fields(each, `${name}: container`);
      const word = (key: string) => text(container[key] ?? "", `${name}: container.${key}`);
      const attempt = Number(container["attempt"]);
      return {
        id: word("id"),
        pod: word("pod"),
        name: word("name"),
        attempt,
        state: word("state"),
        sandbox: word("sandbox"),
      };
    });
  }

  return {
    name,
    line,
    cluster,
    shell,
    containers,
    powerOff: async () => cluster.powerOff(name),
    powerOn: async () => cluster.powerOn(name),
    service: async (service, action) => cluster.service(name, service, action),
    holdCreates: async (pods) => write(heldPodsFile, pods.map((pod) => `${pod}\n`).join("")),
    releaseCreates: async () => void (await shell('rm -f "$0"', heldPodsFile)),
    setCni: async ({ holdAddSeconds, failDel }) => {
      const slow = holdAddSeconds === undefined ? "" : `holdadd ${holdAddSeconds}\n`;
      await write(cniControlFile, slow + (failDel === undefined ? "" : `faildel ${failDel}\n`));
    },
    cniLog: async () => shell('cat "$0" 2> /dev/null || true', cniLogFile),
    async waitForContainer(pod, attempt, state) {
      return waitFor(
        `${name}: ${pod}, attempt ${attempt}, to be ${state}`,
        async () => {
          const own = (await containers()).filter((each) => each.pod === pod);
          const found = own.find((each) => each.attempt === attempt && each.state === state);
          const seen = own.map((each) => `attempt ${each.attempt} ${each.state}`).join(", ");
          return found === undefined ? { done: false, seen } : { done: true, value: found };
        },
        { deadlineMillis: 90_000, intervalMillis: 500 },
      );
    },
    async waitForCollection() {
      // A collection ends with the logs of pods that nobody knows (kuberuntime_gc.go: evictPodLogsDirectories).
      const logs = `/var/log/pods/nobody_nobody_${randomUUID()}`;
      await shell('mkdir "$0"', logs);
      await waitFor(
        `${name}: kubelet to collect dead containers`,
        async () => {
          const left = await shell('if [ -e "$0" ]; then echo "$0"; fi', logs);
          return left === "" ? { done: true, value: undefined } : { done: false, seen: left };
        },
        { deadlineMillis: 150_000, intervalMillis: 500 },
      );
    },
    async editStatus(how, containerID) {
      const folder = join(disk, "containerd/io.containerd.grpc.v1.cri/containers", containerID);
      const argv = [process.execPath, local("edit-status.ts"), how, join(folder, "status")];
      const { code, stderr } = await cluster.execBesideApiServer(argv);
      if (code !== 0) throw new Error(`${name}: ${argv.join(" ")}: ${stderr}`);
    },
  };
}
