import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { layOutMachines, type MachineRequest, type MachineSpec } from "../config/addresses.ts";
import { kubeProxyConfig } from "../config/control-plane.ts";
import { busyboxImage, containerdConfig, kubeletConfig, pauseImage } from "../config/machine.ts";
import { type WorkPaths, workFolderPrefix, workPaths } from "../config/paths.ts";
import type { ClusterPlan } from "../config/plan.ts";
import { machineCgroup } from "../keeper/cgroups.ts";
import { writeClusterPki } from "../pki/authority.ts";
import { writeUserKubeconfig } from "../pki/users.ts";
import { logTails } from "../process/log-tail.ts";
import { waitFor } from "../process/wait-for.ts";
import type { Programs } from "../programs/build.ts";
import type { ProgramName } from "../programs/recipe.ts";
import { type Cluster, openCluster } from "./cluster.ts";
import { writeBusyboxImage } from "./image-archive.ts";
import { writeInfo } from "./info.ts";
import { stopCluster } from "./stop.ts";

export interface StartOptions {
  readonly programs: Programs;
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
  /** The real nodes; one called node1, unless said. */
  readonly machines?: readonly MachineRequest[] | undefined;
  /** The cluster outlives this process and must be stopped by `stopCluster`. Otherwise it ends with this process. */
  readonly detached?: boolean | undefined;
}

const keeperMain = fileURLToPath(new URL("../keeper/main.ts", import.meta.url));
const startDeadlineMillis = 180_000;
const readyDeadlineMillis = 120_000;
const tailLines = 15;
// Machines may have clocks that are an hour behind.
const pkiAgeHours = 2;

/** Starts a real cluster in its own namespaces; returns when its nodes are Ready and pods can be made. */
export async function startCluster(options: StartOptions): Promise<Cluster> {
  const started = performance.now();
  const machines = layOutMachines(options.machines ?? [{ name: "node1" }]);
  const paths = workPaths(await mkdtemp(join(tmpdir(), workFolderPrefix)));
  const plan = planOf(paths, machines, options.programs);
  for (const folder of [paths.logs, paths.config, paths.users]) await mkdir(folder, { recursive: true });
  await writeClusterPki(paths, machines, options.signal, pkiAgeHours);
  await writeConfigs(paths, plan);
  try {
    const port = await startKeeper(paths, options);
    const cluster = await describe(paths, plan, port, options);
    await becomeReady(cluster, options.signal);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    options.log(`cluster ready in ${seconds} s: ${paths.info}`);
    return cluster;
  } catch (error) {
    options.log(await logTails(paths.logs, tailLines));
    await stopCluster(paths.info);
    throw error;
  }
}

function planOf(paths: WorkPaths, machines: readonly MachineSpec[], programs: Programs): ClusterPlan {
  return {
    id: randomBytes(4).toString("hex"),
    workFolder: paths.root,
    machines,
    programs: {
      etcd: pathOf(programs, "etcd"),
      apiServer: pathOf(programs, "kube-apiserver"),
      controllerManager: pathOf(programs, "kube-controller-manager"),
      scheduler: pathOf(programs, "kube-scheduler"),
      kubeProxy: pathOf(programs, "kube-proxy"),
      kubelet: pathOf(programs, "kubelet"),
    },
  };
}

async function writeConfigs(paths: WorkPaths, plan: ClusterPlan): Promise<void> {
  const write = async (file: string, content: object): Promise<void> =>
    writeFile(join(paths.config, file), JSON.stringify(content, undefined, 2));
  await writeFile(paths.plan, JSON.stringify(plan, undefined, 2));
  await writeFile(join(paths.config, "containerd.toml"), containerdConfig());
  await write("kube-proxy.json", kubeProxyConfig(paths));
  for (const { name } of plan.machines) {
    await write(`kubelet-${name}.json`, kubeletConfig(paths, `/${machineCgroup(plan.id, name)}`));
  }
}

/** Starts the process that owns the cluster; returns the API server's port on 127.0.0.1. */
async function startKeeper(paths: WorkPaths, options: StartOptions): Promise<number> {
  const detached = options.detached ?? false;
  const log = await open(join(paths.logs, "keeper.log"), "a");
  const args = [keeperMain, paths.plan, ...(detached ? [] : ["--lifeline"])];
  const keeper = spawn(process.execPath, args, {
    // Its own session: Ctrl-C reaches this process, which then ends the cluster in order.
    detached: true,
    stdio: [detached ? "ignore" : "pipe", log.fd, log.fd, "ipc"],
  });
  await log.close();
  try {
    return await portOf(keeper, options.signal);
  } catch (error) {
    keeper.kill("SIGTERM");
    throw error;
  } finally {
    if (keeper.connected) keeper.disconnect();
    keeper.unref();
  }
}

async function portOf(keeper: ChildProcess, signal: AbortSignal): Promise<number> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(startDeadlineMillis)]);
  const said: Promise<unknown[]> = once(keeper, "message", { signal: deadline });
  const ended = once(keeper, "exit", { signal: deadline }).then(() => {
    throw new Error("the cluster ended while it was starting; its logs are above");
  });
  const [message] = await Promise.race([said, ended]);
  if (
    typeof message === "object" &&
    message !== null &&
    "port" in message &&
    typeof message.port === "number"
  ) {
    return message.port;
  }
  throw new Error(`the keeper sent no port: ${JSON.stringify(message)}`);
}

async function describe(
  paths: WorkPaths,
  plan: ClusterPlan,
  port: number,
  { programs, signal }: StartOptions,
): Promise<Cluster> {
  const server = `https://127.0.0.1:${port}`;
  const admin = { name: "admin", groups: ["system:masters"] };
  const kubeconfig = await writeUserKubeconfig({ paths, folder: paths.users, server }, admin, signal);
  const info = {
    id: plan.id,
    workFolder: paths.root,
    server,
    kubeconfig,
    kubectl: pathOf(programs, "kubectl"),
    helm: pathOf(programs, "helm"),
    nodes: plan.machines.map(({ name }) => name),
  };
  await writeInfo(paths.info, info);
  return openCluster(info);
}

/** Imports the images that every pod and scenario needs, then waits for nodes and the default ServiceAccount. */
async function becomeReady(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const archive = join(cluster.info.workFolder, "busybox.tar");
  for (const name of [pauseImage, busyboxImage]) {
    await writeBusyboxImage({ name, command: ["sleep", "2147483647"] }, archive, signal);
    await cluster.importImage(archive);
  }
  await rm(archive);
  await waitForNodes(cluster, signal);
  // A pod made before the controller manager wrote this is refused.
  await waitFor(
    "the default ServiceAccount",
    async () => {
      await cluster.kubectl(["get", "serviceaccount", "default", "-n", "default"]);
      return { done: true, value: undefined };
    },
    { deadlineMillis: readyDeadlineMillis, signal },
  );
}

async function waitForNodes(cluster: Cluster, signal: AbortSignal): Promise<void> {
  const names = cluster.info.nodes.map((name) => `node/${name}`);
  await waitFor(
    "Ready nodes",
    async () => {
      await cluster.kubectl(["wait", "--for=condition=Ready", "--timeout=1s", ...names]);
      return { done: true, value: undefined };
    },
    { deadlineMillis: readyDeadlineMillis, signal },
  );
}

function pathOf(programs: Programs, name: ProgramName): string {
  const path = programs.get(name);
  if (path === undefined) throw new Error(`no program ${name}`);
  return path;
}
