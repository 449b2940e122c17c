/** Files of /proc about processes that may end at any moment. Synchronous: each takes microseconds, and there are many. */
import { closeSync, openSync, readlinkSync, readSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../../host/reason.ts";

/** Far above what any namespace of a pod has, whose routes are a few lines. */
const MAX_BYTES = 8 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/** What the kernel says of a process that is gone or a zombie (ENXIO: seq_open_net without a namespace). */
const GONE: ReadonlySet<string> = new Set(["ENOENT", "ESRCH", "ENXIO", "EINVAL"]);

/** Undefined if the process is gone, or has no such file. @throws Error if it can't be read, or is over 8 MiB */
export function readProcFile(path: string): string | undefined {
  const chunks: Buffer[] = [];
  try {
    const fd = openSync(path, "r");
    try {
      for (let total = 0; ;) {
        const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
        const length = readSync(fd, chunk);
        if (length === 0) return Buffer.concat(chunks).toString("latin1");
        total += length;
        if (total > MAX_BYTES) throw new Error(`more than ${MAX_BYTES} bytes`);
        chunks.push(chunk.subarray(0, length));
      }
    } finally {
      closeSync(fd);
    }
  } catch (cause) {
    if (GONE.has(codeOf(cause) ?? "")) return undefined;
    throw new Error(`read ${path}`, { cause });
  }
}

/**
 * The number in `net:[4026531840]`, which tells network namespaces apart. Undefined if the process is gone.
 * @param process its directory, `/proc/PID`
 * @throws Error
 */
export function networkNamespaceOf(process: string): string | undefined {
  const path = join(process, "ns/net");
  try {
    return /^net:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
  } catch (cause) {
    if (GONE.has(codeOf(cause) ?? "")) return undefined;
    throw new Error(`look at ${path}; the agent must be root and privileged`, { cause });
  }
}
