/**
 * A daemon (containerd, dockerd) in pid and mount namespaces of its own: whatever it starts dies with it, whatever it
 * mounts vanishes, and its /run is not the machine's. Its socket lies in a folder both sides see. Process 1 in there only
 * starts the daemon, so that the daemon can die alone as well as with all the rest.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { removeCgroup } from "../../cluster/keeper/cgroups.ts";
import { createComponent, type Component } from "../../cluster/process/component.ts";
import { dieWithUs } from "../../cluster/process/die-with-us.ts";
import { runOrThrow, type Argv } from "../../cluster/process/run.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";
import { runtimePrefix } from "../run-folder.ts";

export interface IsolatedDaemon {
  /** Everything of the daemon's is in here. */
  readonly folder: string;
  /** Parent cgroup for containers, an absolute path within each hierarchy. */
  readonly cgroup: string;
  /** SIGKILL to the daemon alone: containers and shims live on. `meanwhile` runs while it is down; then it answers again. */
  killDaemon(meanwhile?: () => Promise<void>): Promise<void>;
  /** Everything ends at once, /run and `volatile` are emptied; `meanwhile` runs; then the daemon answers again. */
  cutPower(meanwhile?: () => Promise<void>): Promise<void>;
  /** A command line that runs the given one in the daemon's mount namespace. */
  inside(argv: Argv): Promise<Argv>;
  /** Kills the daemon and all its children, removes folder and cgroups. */
  stop(): Promise<void>;
}

export interface IsolatedSpec {
  readonly name: string;
  /** The daemon's command line; it gets its folder and its cgroup. */
  readonly command: (folder: string, cgroup: string) => Promise<readonly string[]>;
  /** Names in the folder that do not outlive a reboot. */
  readonly volatile?: readonly string[];
  /** Resolves once the daemon answers; rejections mean "not yet". */
  readonly ready: (folder: string) => Promise<void>;
  readonly deadlineMillis: number;
}

/**
 * /proc is of the new pid namespace; shims keep their sockets under /run whatever the configuration says. The file
 * `down` keeps the daemon from being started. Its number is written before it starts: whoever sees it answer finds it.
 */
const init = `
folder=$0
mount -t proc proc /proc && mount -t tmpfs tmpfs /run || exit 1
while :; do
  if [ -e "$folder/down" ]; then sleep 0.05; continue; fi
  sh -c 'echo $$ > "$0/daemon.pid.new" && mv "$0/daemon.pid.new" "$0/daemon.pid" && exec "$@"' "$folder" "$@" &
  wait $!
  sleep 0.05
done`;
const commandMillis = 30_000;

/** @throws Error with the end of the daemon's log if it does not become ready. */
export async function startIsolated(spec: IsolatedSpec): Promise<IsolatedDaemon> {
  // The agent may see the socket behind /proc/PID/root, in the folders of two runs.
  const folder = await mkdtemp(join(tmpdir(), runtimePrefix));
  const cgroup = `/${basename(folder)}`;
  const logFile = join(folder, "log");
  const down = join(folder, "down");
  const component = createComponent({
    name: spec.name,
    argv: dieWithUs([
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-c",
      init,
      folder,
      ...(await spec.command(folder, cgroup)),
    ]),
    logFile,
    restartAfterMillis: 1_000,
    signalProgram: async (signal) => {
      for (const pid of await initOf(component)) process.kill(pid, signal);
    },
  });

  async function answers(): Promise<void> {
    await waitFor(
      `${spec.name} to answer`,
      async () => {
        await spec.ready(folder);
        return { done: true, value: undefined };
      },
      { deadlineMillis: spec.deadlineMillis },
    );
  }
  async function off(): Promise<void> {
    await component.kill();
    await removeCgroup(cgroup.slice(1), 30_000);
  }

  const daemon: IsolatedDaemon = {
    folder,
    cgroup,
    async killDaemon(meanwhile) {
      await writeFile(down, "");
      const kill = 'kill -9 "$(cat "$0")" && while kill -0 "$(cat "$0")" 2> /dev/null; do sleep 0.02; done';
      const [pid] = await initOf(component);
      const argv = ["nsenter", `--target=${pid}`, "--pid", "--mount", "--", "sh", "-c", kill] as const;
      await runOrThrow([...argv, join(folder, "daemon.pid")], { timeoutMillis: commandMillis });
      await meanwhile?.();
      await rm(down);
      await answers();
    },
    async cutPower(meanwhile) {
      await off();
      for (const name of spec.volatile ?? []) await rm(join(folder, name), { recursive: true, force: true });
      await meanwhile?.();
      component.start();
      await answers();
    },
    async inside(argv) {
      const [pid] = await initOf(component);
      return ["nsenter", `--target=${pid}`, "--mount", "--", ...argv];
    },
    async stop() {
      await off();
      await rm(folder, { recursive: true, force: true });
    },
  };
  component.start();
  try {
    await answers();
  } catch (cause) {
    const log = await readFile(logFile, "utf8").catch(() => "");
    await daemon.stop();
    throw new Error(`start ${spec.name}; its log ends with:\n${log.slice(-3_000)}`, { cause });
  }
  return daemon;
}

/** Process 1 of the namespace rather than unshare, which then ends by itself and leaves nobody to be reaped. */
async function initOf(component: Component): Promise<readonly number[]> {
  const state = component.state();
  if (state.kind !== "running") return [];
  const { pid } = state;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = children.split(" ").map(Number).filter(Boolean);
  return pids.length === 0 ? [pid] : pids;
}
