/** Whether a file is still the one that was read. */
import { constants } from "node:fs";
import { codeOf, reasonOf } from "../../host/reason.ts";
import { readUpTo } from "../lease/read.ts";
import type { FileSystem } from "./file-system.ts";
import type { FileReading, MoveResult } from "./order.ts";

/** Never a link's target, and never waits for the other end of a pipe. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NOT_REGULAR = "it is no regular file any more";

/** Undefined if it is: a regular file of that inode and those bytes, with no other name. */
export function whyNotSame(files: FileSystem, reading: FileReading): MoveResult | undefined {
  try {
    const difference = differenceOf(files, reading);
    return difference === undefined ? undefined : { kind: "changed", reason: difference };
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "ENOENT") return { kind: "gone" };
    // A symbolic link; a socket.
    if (code === "ELOOP" || code === "ENXIO") return { kind: "changed", reason: NOT_REGULAR };
    return { kind: "failed", message: reasonOf(cause), cause };
  }
}

/** @throws Error */
function differenceOf(files: FileSystem, reading: FileReading): string | undefined {
  const fd = files.openSync(`${reading.directory}/${reading.name}`, READ_FLAGS);
  try {
    const stats = files.fstatSync(fd, { bigint: true });
    if (!stats.isFile()) return NOT_REGULAR;
    if (stats.nlink !== 1n) return `it has ${stats.nlink} names`;
    if (stats.ino !== reading.ino) return "it is another file by now";
    const content = readUpTo(files, fd, reading.content.length);
    return content === reading.content ? undefined : "its content is another by now";
  } finally {
    files.closeSync(fd);
  }
}
