import { randomUUID } from "node:crypto";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MachineSpec } from "../config/addresses.ts";
import { kubeProxyArgv } from "../config/control-plane.ts";
import { cniConfig, containerdArgv, kubeletArgv } from "../config/machine.ts";
import { workPaths } from "../config/paths.ts";
import type { ClusterPlan } from "../config/plan.ts";
import { createCgroup, machineCgroup, removeCgroup } from "../keeper/cgroups.ts";
import { type Component, createComponent } from "../process/component.ts";
import { type Argv, run, type RunResult, runOrThrow } from "../process/run.ts";
import { waitFor } from "../process/wait-for.ts";
import { connectMachine } from "./network.ts";

/** One machine: switched on and off as a whole, its services one by one. */
export interface Machine {
  readonly name: string;
  /** Boots with a new boot id; returns when containerd answers and the kubelet is started. */
  on(): Promise<void>;
  /** Cuts the power: every process, mount and network device is gone when this returns. Does nothing when off. */
  off(): Promise<void>;
  /** Runs a program inside the machine's namespaces. */
  exec(argv: Argv, timeoutMillis: number): Promise<RunResult>;
  /** containerd, kubelet, kube-proxy; empty when off. */
  services(): readonly Component[];
  bootId(): string | undefined;
}

interface Running {
  readonly init: ChildProcess;
  readonly pid: number;
  readonly bootId: string;
  readonly services: readonly Component[];
}

const initScript = fileURLToPath(new URL("machine-init.sh", import.meta.url));
const bootDeadlineMillis = 30_000;
// systemd's units for these services wait 5 s (kubelet 10 s); tests need not be that patient.
const restartAfterMillis = 1_000;

export function createMachine(plan: ClusterPlan, spec: MachineSpec): Machine {
  const paths = workPaths(plan.workFolder);
  const state = join(paths.state, spec.name);
  const cgroup = machineCgroup(plan.id, spec.name);
  let running: Running | undefined;

  async function on(): Promise<void> {
    if (running !== undefined) throw new Error(`machine ${spec.name} is on already`);
    await mkdir(state, { recursive: true });
    await createCgroup(cgroup);
    const bootId = randomUUID();
    const bootIdFile = join(state, "boot-id");
    await writeFile(bootIdFile, `${bootId}\n`);
    const init = await startInit(state, bootIdFile, spec, join(paths.logs, `${spec.name}.log`));
    const pid = await onlyChildOf(init);
    await connectMachine(spec, pid);
    const services = createServices(pid);
    running = { init, pid, bootId, services };
    await writeCni();
    await startServices(services);
  }

  async function startServices(services: readonly Component[]): Promise<void> {
    for (const service of services) {
      service.start();
      if (service.name === "containerd") await containerdAnswers();
    }
  }

  async function writeCni(): Promise<void> {
    const script = 'mkdir -p /etc/cni/net.d && cat > "$0"';
    const file = "/etc/cni/net.d/10-pods.conflist";
    await runOrThrow([...enter(), "sh", "-c", script, file], {
      timeoutMillis: 10_000,
      input: JSON.stringify(cniConfig(spec), undefined, 2),
    });
  }

  async function containerdAnswers(): Promise<void> {
    await waitFor(
      `containerd of ${spec.name}`,
      async () => {
        // The image service answers only after the CRI plugin is up.
        const { code, stderr } = await exec(
          ["ctr", "--timeout", "5s", "-n", "k8s.io", "images", "ls", "-q"],
          10_000,
        );
        return code === 0 ? { done: true, value: undefined } : { done: false, seen: stderr };
      },
      { deadlineMillis: bootDeadlineMillis, intervalMillis: 100 },
    );
  }

  function createServices(pid: number): readonly Component[] {
    const service = (name: string, argv: Argv): Component => {
      const pidFile = `/run/${name}.test-pid`;
      return createComponent({
        name,
        argv: [...enterArgv(pid), "sh", "-c", 'echo $$ > "$0"; exec "$@"', pidFile, ...argv],
        logFile: join(paths.logs, `${spec.name}-${name}.log`),
        restartAfterMillis,
        signalProgram: async (signal) => {
          const script = `kill -${signal.slice(3)} "$(cat "$0")"`;
          await run([...enterArgv(pid), "sh", "-c", script, pidFile], { timeoutMillis: 10_000 });
        },
      });
    };
    return [
      service("containerd", containerdArgv(paths)),
      service("kubelet", kubeletArgv(plan.programs.kubelet, paths, spec)),
      service("kube-proxy", kubeProxyArgv(plan.programs.kubeProxy, paths, spec.name)),
    ];
  }

  async function off(): Promise<void> {
    const ending = running;
    if (ending === undefined) return;
    running = undefined;
    const gone = once(ending.init, "exit");
    const servicesGone = ending.services.map(async (service) => service.kill());
    process.kill(ending.pid, "SIGKILL");
    await Promise.all([gone, ...servicesGone]);
    await removeCgroup(cgroup, bootDeadlineMillis);
  }

  function enter(): Argv {
    if (running === undefined) throw new Error(`machine ${spec.name} is off`);
    return enterArgv(running.pid);
  }

  async function exec(argv: Argv, timeoutMillis: number): Promise<RunResult> {
    return run([...enter(), ...argv], { timeoutMillis });
  }

  return {
    name: spec.name,
    on,
    off,
    exec,
    services: () => running?.services ?? [],
    bootId: () => running?.bootId,
  };
}

function enterArgv(pid: number): Argv {
  return ["nsenter", `--target=${pid}`, "--mount", "--net", "--pid", "--"];
}

async function startInit(
  state: string,
  bootIdFile: string,
  { files }: MachineSpec,
  logFile: string,
): Promise<ChildProcess> {
  const log = await open(logFile, "a");
  try {
    const namespaces = ["--pid", "--fork", "--kill-child", "--mount", "--mount-proc", "--net"];
    const shown = files.flatMap(({ path, shows }) => [path, shows]);
    const init = spawn("unshare", [...namespaces, "sh", initScript, state, bootIdFile, ...shown], {
      stdio: ["ignore", "pipe", log.fd],
    });
    await firstLine(init, logFile);
    return init;
  } finally {
    await log.close();
  }
}

async function firstLine(init: ChildProcess, logFile: string): Promise<void> {
  if (init.stdout === null) throw new Error("a machine's init has no standard output");
  const signal = AbortSignal.timeout(bootDeadlineMillis);
  const failed = once(init, "exit", { signal }).then(() => "exit");
  const said = once(init.stdout, "data", { signal }).then(String);
  const line = await Promise.race([said, failed]);
  if (line.trim() !== "ready")
    throw new Error(`a machine's init said ${JSON.stringify(line)}; see ${logFile}`);
}

/** unshare forks once: its only child is process 1 of the new pid namespace. */
async function onlyChildOf(parent: ChildProcess): Promise<number> {
  const { pid } = parent;
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, "utf8")).trim();
  const child = Number(children);
  if (!Number.isSafeInteger(child) || child <= 0) {
    throw new Error(`unshare ${pid} should have one child, has ${JSON.stringify(children)}`);
  }
  return child;
}
