/** How long ago this boot began: the age of the node's first process. Monotonic, whatever the wall clock does. */
import { join } from "node:path";
import { readText } from "../host/files/read-text.ts";

/** What the kernel counts in for its readers, on every architecture that Node runs on (proc_pid_stat(5): USER_HZ). */
const TICKS_PER_SECOND = 100;

/**
 * Milliseconds since process 1 was started; that is the machine's own where `hostRoot` is the node's root, and its own
 * too where several machines share a kernel.
 * @throws Error naming the file that does not say it.
 */
export async function readBootAge(hostRoot: string): Promise<number> {
  const uptime = /^(\d+\.\d+) /.exec(await textOf(join(hostRoot, "/proc/uptime")))?.[1];
  if (uptime === undefined) throw new Error(`${join(hostRoot, "/proc/uptime")} does not begin with seconds`);
  const stat = join(hostRoot, "/proc/1/stat");
  // The second field is a name in brackets, in which anything may stand; start time is the 22nd.
  const text = await textOf(stat);
  const ticks = text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  if (ticks === undefined || !/^\d+$/.test(ticks)) throw new Error(`${stat} names no start time`);
  return Math.max(0, Math.round((Number(uptime) - Number(ticks) / TICKS_PER_SECOND) * 1_000));
}

async function textOf(path: string): Promise<string> {
  const read = await readText(path, 4_096);
  if (read.kind === "text") return read.text;
  throw new Error(read.kind === "absent" ? `${path} does not exist` : read.reason);
}
