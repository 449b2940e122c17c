/** A file system in a daemon's mount namespace that can be frozen: whoever writes to it hangs until it is thawed. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { runOrThrow } from "../../cluster/process/run.ts";
import type { IsolatedDaemon } from "../runtime/isolated.ts";

export interface FrozenDisk {
  /** The folder where it is mounted. */
  readonly folder: string;
  /** Freezes it; gives what thaws it again. */
  freeze(): Promise<() => Promise<void>>;
}

const timeoutMillis = 60_000;

/** Needs a loop device; it is free again when the daemon has ended. @throws Error with what mount said */
export async function mountDisk(daemon: IsolatedDaemon): Promise<FrozenDisk> {
  const image = join(daemon.folder, "disk.img");
  const folder = join(daemon.folder, "disk");
  await mkdir(folder);
  await runOrThrow(["truncate", "--size=16M", image], { timeoutMillis });
  await runOrThrow(["mkfs.ext4", "-q", image], { timeoutMillis });
  await runOrThrow(await daemon.inside(["mount", "-o", "loop", image, folder]), { timeoutMillis });
  return {
    folder,
    async freeze() {
      // What hangs can't be killed. So one process does both, and thaws as soon as its input ends, however we die.
      const script =
        'fsfreeze --freeze "$0" && echo frozen && { read -r _ || true; } && fsfreeze --unfreeze "$0"';
      const [program, ...args] = await daemon.inside(["sh", "-c", script, folder]);
      const holder = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
      const exited = once(holder, "exit");
      const first: unknown[] = await Promise.race([once(holder.stdout, "data"), exited]);
      if (!Buffer.isBuffer(first[0])) throw new Error(`${folder}: could not be frozen`);
      return async () => {
        holder.stdin.end();
        await exited;
      };
    },
  };
}
