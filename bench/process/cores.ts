/** Which cores a bench may use, and how a process is kept on one. */
import { readFile } from "node:fs/promises";
import { runOrThrow, type Argv } from "../../test/cluster/process/run.ts";

/** The servers' core and the load generator's. @throws Error where this process may use fewer than two. */
export async function twoCores(): Promise<readonly [server: number, load: number]> {
  const status = await readFile("/proc/self/status", "utf8");
  const allowed = coresIn(/^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? "");
  const [server, load] = allowed;
  if (server === undefined || load === undefined) {
    throw new Error(
      `two cores are needed, one for the server and one for the load; this is ${allowed.length}`,
    );
  }
  return [server, load];
}

/** The numbers in a kernel list such as `0-1,4`. */
export function coresIn(list: string): readonly number[] {
  return list.split(",").flatMap((part) => {
    const found = /^(\d+)(?:-(\d+))?$/.exec(part);
    if (found === null) return [];
    const first = Number(found[1]);
    const last = Number(found[2] ?? found[1]);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

export function onCore(core: number, argv: Argv): Argv {
  return ["taskset", "--cpu-list", String(core), ...argv];
}

/** Moves this process, with all its threads. */
export async function moveToCore(core: number): Promise<void> {
  await runOrThrow(["taskset", "--all-tasks", "--cpu-list", "--pid", String(core), String(process.pid)], {
    timeoutMillis: 10_000,
  });
}
