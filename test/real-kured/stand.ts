/** A cluster with Nodelatch as its chart installs it by default, and the real kured on its one node. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Cluster, openTestCluster } from "../cluster/cluster/cluster.ts";
import { grantKured, revokeKured } from "../cluster/kured-access.ts";
import { CHART, NAMESPACE, RELEASE, waitUntilAnswering } from "../cluster/nodelatch.ts";
import { run } from "../cluster/process/run.ts";
import { waitFor } from "../cluster/process/wait-for.ts";
import { realWorld, type RealWorld } from "../cluster/real-world.ts";
import { KURED_LOCK } from "../kured/lock-value.ts";
import { gatedCommand, KURED_NAMESPACE } from "../kured/options.ts";
import { type LockState, OVERRIDE, patchNode, stateOf } from "../scenarios/nodes.ts";
import { clusterAdmin } from "../scenarios/world.ts";
import { AUDIT_VARIABLE, type AuditedRequest, parseAudit } from "./audit.ts";
import { ContainerLog } from "./container-log.ts";
import { DAEMONSET, kuredDaemonSet } from "./daemon-set.ts";
import { Machine, REBOOT_COMMAND } from "./machine.ts";

export const NODE = "node1";
const CLI = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const LOGS = `/var/log/pods/${KURED_NAMESPACE}_${DAEMONSET}-*/kured/*.log`;
const LOOK_MILLIS = 500;

/** The line of docs/gate.md, but for the way to reboot. */
export function gateLine(waits: string): string {
  return gatedCommand(`/bin/sh /run/nodelatch/verify --wait ${waits}`, REBOOT_COMMAND);
}

export class Stand {
  readonly cluster: Cluster;
  readonly admin: RealWorld;
  readonly machine: Machine;
  #log = new ContainerLog();
  #audited = 0;

  private constructor(cluster: Cluster, admin: RealWorld) {
    this.cluster = cluster;
    this.admin = admin;
    this.machine = new Machine(cluster, NODE);
  }

  static async open(): Promise<Stand> {
    const cluster = await openTestCluster();
    const wait = ["--wait", "--timeout=180s", "--set", "image.pullPolicy=Never"];
    const install = ["upgrade", "--install", RELEASE, CHART, "-n", NAMESPACE, "--create-namespace"];
    await cluster.helm([...install, ...wait], { timeoutMillis: 200_000 });
    await waitUntilAnswering(cluster);
    await grantKured(cluster, [DAEMONSET]);
    const stand = new Stand(cluster, await realWorld(cluster));
    await stand.until("the gate to answer", async () => {
      const verify = ["/bin/sh", "/run/nodelatch/verify"];
      return [0, 1].includes((await cluster.exec(NODE, verify)).code ?? -1);
    });
    stand.machine.start();
    return stand;
  }

  /** Leaves the node free, whatever came before. */
  async close(): Promise<void> {
    await this.machine.close();
    await this.remove();
    await waitUntilAnswering(this.cluster);
    const metadata = { annotations: { [OVERRIDE]: "end of the test" } };
    await patchNode(this.admin, NODE, clusterAdmin, { metadata, spec: { unschedulable: null } });
    await revokeKured(this.cluster);
    this.admin.close();
  }

  /** A new kured, which knows nothing of any before it; what is logged and audited counts from here. */
  async deploy(flags: readonly string[]): Promise<void> {
    await this.remove();
    this.#log = new ContainerLog();
    this.#audited = (await this.#audit()).length;
    await this.cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(kuredDaemonSet(flags)) });
    await this.until("kured to start", () => this.logged("Kubernetes Reboot Daemon") > 0);
  }

  /** With its own lock and whatever asks for a reboot. */
  async remove(): Promise<void> {
    const daemonSet = ["daemonset", DAEMONSET, "-n", KURED_NAMESPACE];
    await this.cluster.kubectl(["delete", ...daemonSet, "--ignore-not-found", "--cascade=foreground"]);
    await this.machine.requireNoReboot();
  }

  /** As by SIGKILL; kubelet starts it again. */
  async killKured(): Promise<void> {
    const path = "-o=jsonpath={.items[0].status.containerStatuses[0].containerID}";
    const id = await this.cluster.kubectl([
      "get",
      "pods",
      "-n",
      KURED_NAMESPACE,
      "-l",
      `name=${DAEMONSET}`,
      path,
    ]);
    const kill = ["ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", id.replace("containerd://", "")];
    const { code, stderr } = await this.cluster.exec(NODE, kill);
    if (code !== 0) throw new Error(`kill ${id}: ${stderr}`);
  }

  get log(): readonly string[] {
    return this.#log.lines;
  }

  /** How often a line with these words was logged. */
  logged(words: string): number {
    return this.log.filter((line) => line.includes(words)).length;
  }

  /** What this kured has sent. */
  async sent(): Promise<readonly AuditedRequest[]> {
    return (await this.#audit()).slice(this.#audited);
  }

  async state(): Promise<LockState> {
    return stateOf(this.admin, NODE);
  }

  /** kured's own, on its DaemonSet; empty without one. */
  async ownLock(): Promise<string> {
    const path = `-o=jsonpath={.metadata.annotations.${KURED_LOCK.replaceAll(".", "\\.")}}`;
    return this.cluster.kubectl(["get", "daemonset", DAEMONSET, "-n", KURED_NAMESPACE, path]);
  }

  async bootID(): Promise<string> {
    return this.cluster.kubectl(["get", "node", NODE, "-o=jsonpath={.status.nodeInfo.bootID}"]);
  }

  /** `kubectl nodelatch`, as the administrator. */
  async nodelatch(
    ...words: readonly string[]
  ): Promise<{ readonly code: number | null; readonly out: string }> {
    const options = { timeoutMillis: 120_000, env: { KUBECONFIG: this.cluster.info.kubeconfig } };
    const { code, stdout, stderr } = await run([process.execPath, CLI, ...words], options);
    return { code, out: `${stdout}${stderr}`.trim() };
  }

  /** @throws Error with the end of kured's log. */
  async until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    deadlineMillis = 200_000,
  ): Promise<void> {
    await waitFor(
      what,
      async () => {
        this.#log.add(await this.machine.read(LOGS));
        if (this.machine.problem !== undefined) return { done: true, value: undefined };
        const done = await holds();
        return done ? { done, value: undefined } : { done, seen: `kured: ${this.log.slice(-8).join("\n")}` };
      },
      { deadlineMillis, intervalMillis: LOOK_MILLIS },
    );
    if (this.machine.problem !== undefined) throw new Error("the machine", { cause: this.machine.problem });
  }

  async #audit(): Promise<readonly AuditedRequest[]> {
    const file = process.env[AUDIT_VARIABLE];
    if (file === undefined) throw new Error(`${AUDIT_VARIABLE} is not set: run these files with main.ts`);
    const log = await readFile(file, "utf8");
    return parseAudit(log.slice(0, log.lastIndexOf("\n") + 1));
  }
}
