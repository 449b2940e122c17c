/** Small files written whole, and reads of files whose size someone else decides, on the synchronous file system. */
import { constants, type BigIntStats } from "node:fs";
import { dirname } from "node:path";
import { codeOf } from "../../host/reason.ts";
import { syncDirectory, type FileSystem } from "./file-system.ts";

/** Never a link's target, and never waits for the other end of a pipe. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

export interface ReadFile {
  readonly stats: BigIntStats;
  /** At most `limit` bytes of a regular file, none of anything else. */
  readonly content: Buffer;
}

/** @throws Error with the system's code, ELOOP for a symbolic link */
export function readAtMost(files: FileSystem, path: string, limit: number): ReadFile {
  const fd = files.openSync(path, READ_FLAGS);
  try {
    const stats = files.fstatSync(fd, { bigint: true });
    if (!stats.isFile()) return { stats, content: Buffer.alloc(0) };
    const buffer = Buffer.alloc(Math.min(limit, Number(stats.size)));
    let length = 0;
    while (length < buffer.length) {
      const more = files.readSync(fd, buffer, length, buffer.length - length, null);
      if (more === 0) break;
      length += more;
    }
    return { stats, content: buffer.subarray(0, length) };
  } finally {
    files.closeSync(fd);
  }
}

export interface Ownership {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** A new file at `path`, whole on the disk before this returns. @throws Error if there is one; nothing is left then. */
export function writeNewFile(
  files: FileSystem,
  path: string,
  content: Uint8Array,
  { mode, uid, gid }: Ownership,
): void {
  const fd = files.openSync(path, "wx", 0o600);
  try {
    try {
      for (let at = 0; at < content.length;) at += files.writeSync(fd, content, at);
      files.fchmodSync(fd, mode & 0o7777);
      files.fchownSync(fd, uid, gid);
      files.fsyncSync(fd);
    } finally {
      files.closeSync(fd);
    }
  } catch (error) {
    files.unlinkSync(path);
    throw error;
  }
}

/** The old text or the new one, whatever moment the power goes. @throws Error */
export function replaceText(files: FileSystem, path: string, text: string, self: Ownership): void {
  const partial = `${path}.partial`;
  removeIfThere(files, partial);
  writeNewFile(files, partial, Buffer.from(text), self);
  files.renameSync(partial, path);
  syncDirectory(files, dirname(path));
}

/** @throws Error for any other reason than that it is not there */
export function removeIfThere(files: FileSystem, path: string): void {
  try {
    files.unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}
