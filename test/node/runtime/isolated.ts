/**
 * A daemon (containerd, dockerd) in pid and mount namespaces of its own: whatever it starts dies with it, whatever it
 * mounts vanishes, and its /run is not the machine's. Its socket lies in a folder both sides see.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { removeCgroup } from "../../cluster/keeper/cgroups.ts";
import { createComponent } from "../../cluster/process/component.ts";
import { waitFor } from "../../cluster/process/wait-for.ts";

export interface IsolatedDaemon {
  /** Everything of the daemon's is in here. */
  readonly folder: string;
  /** Parent cgroup for containers, an absolute path within each hierarchy. */
  readonly cgroup: string;
  /** Kills the daemon and all its children, removes folder and cgroups. */
  stop(): Promise<void>;
}

export interface IsolatedSpec {
  readonly name: string;
  /** The daemon's command line; it gets its folder and its cgroup. */
  readonly command: (folder: string, cgroup: string) => Promise<readonly string[]>;
  /** Resolves once the daemon answers; rejections mean "not yet". */
  readonly ready: (folder: string) => Promise<void>;
  readonly deadlineMillis: number;
}

/** @throws Error with the end of the daemon's log if it does not become ready. */
export async function startIsolated(spec: IsolatedSpec): Promise<IsolatedDaemon> {
  const folder = await mkdtemp(join(tmpdir(), `nodelatch-${spec.name}-`));
  const cgroup = `/${basename(folder)}`;
  const logFile = join(folder, "log");
  // /proc is of the new pid namespace; shims keep their sockets under /run whatever the configuration says.
  const script = `mount -t proc proc /proc && mount -t tmpfs tmpfs /run && exec "$@"`;
  const component = createComponent({
    name: spec.name,
    argv: [
      "unshare",
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-c",
      script,
      spec.name,
      ...(await spec.command(folder, cgroup)),
    ],
    logFile,
    restartAfterMillis: 1_000,
    signalProgram: async (signal) => {
      const state = component.state();
      if (state.kind === "running") await signalChildren(state.pid, signal);
    },
  });
  const stop = async (): Promise<void> => {
    await component.kill();
    await removeCgroup(cgroup.slice(1), 30_000);
    await rm(folder, { recursive: true, force: true });
  };
  component.start();
  try {
    await waitFor(
      `${spec.name} to answer`,
      async () => {
        await spec.ready(folder);
        return { done: true, value: undefined };
      },
      { deadlineMillis: spec.deadlineMillis },
    );
  } catch (cause) {
    const log = await readFile(logFile, "utf8").catch(() => "");
    await stop();
    throw new Error(`start ${spec.name}; its log ends with:\n${log.slice(-3_000)}`, { cause });
  }
  return { folder, cgroup, stop };
}

/** The daemon rather than unshare, which then ends by itself and leaves nobody to be reaped by the machine's init. */
async function signalChildren(pid: number, signal: NodeJS.Signals): Promise<void> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  const pids = children.split(" ").map(Number).filter(Boolean);
  for (const target of pids.length === 0 ? [pid] : pids) process.kill(target, signal);
}
