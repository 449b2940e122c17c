/** Whether a file is still the one that was read. */
import { join } from "node:path";
import { codeOf, reasonOf } from "../../host/reason.ts";
import type { FileSystem } from "./file-system.ts";
import type { FileReading, MoveResult } from "./order.ts";
import { readAtMost } from "./whole-file.ts";

/** Undefined if it is: a regular file of that inode and those bytes, with no other name. */
export function whyNotSame(files: FileSystem, reading: FileReading): MoveResult | undefined {
  const path = join(reading.directory, reading.name);
  try {
    const { stats, content } = readAtMost(files, path, reading.content.length + 1);
    if (!stats.isFile()) return changed("it is no regular file any more");
    if (stats.nlink !== 1n) return changed(`it has ${stats.nlink} names`);
    if (stats.ino !== reading.ino) return changed("it is another file by now");
    return content.equals(reading.content) ? undefined : changed("its content is another by now");
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT") return { kind: "gone" };
    // A symbolic link; a socket.
    if (code === "ELOOP" || code === "ENXIO") return changed("it is no regular file any more");
    return { kind: "failed", message: reasonOf(cause), cause };
  }
}

function changed(reason: string): MoveResult {
  return { kind: "changed", reason };
}
