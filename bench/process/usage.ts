/** What a process has used, as the kernel counts it. */
import { readdir, readFile } from "node:fs/promises";

/** CPU time of all living threads, in milliseconds. */
export async function cpuMillis(pid: number): Promise<number> {
  const folder = `/proc/${pid}/task`;
  const threads = await readdir(folder);
  const nanos = await Promise.all(
    threads.map(async (thread) => {
      // A thread may end while the list is read; what it used is lost.
      const text = await readFile(`${folder}/${thread}/schedstat`, "utf8").catch(() => "0");
      return Number(text.split(" ")[0]);
    }),
  );
  return nanos.reduce((sum, each) => sum + each, 0) / 1e6;
}

/** In MiB. */
export interface Memory {
  readonly resident: number;
  /** Its part that no file backs: heap, stacks, buffers. The rest may be shared with other processes. */
  readonly anonymous: number;
}

/** Resident memory now. */
export async function memoryMebibytes(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const mebibytes = (field: string): number => {
    const kilobytes = new RegExp(`^${field}:\\s*(\\d+) kB$`, "m").exec(status)?.[1];
    if (kilobytes === undefined) throw new Error(`/proc/${pid}/status: no ${field}`);
    return Number(kilobytes) / 1024;
  };
  return { resident: mebibytes("VmRSS"), anonymous: mebibytes("RssAnon") };
}

/** Resident memory now, in MiB. */
export async function residentMebibytes(pid: number): Promise<number> {
  return (await memoryMebibytes(pid)).resident;
}
