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

/** Resident memory now, in MiB. */
export async function residentMebibytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const kilobytes = /^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc/${pid}/status: no VmRSS`);
  return Number(kilobytes) / 1024;
}
