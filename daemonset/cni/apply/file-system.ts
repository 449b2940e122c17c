/**
 * What moving files takes of `node:fs`. Synchronous, a batch of at most 200 at a time: under a lock that pods wait for,
 * and a fraction of the time of as many promises (20,000 leases read and renamed: 0.6 s).
 */
import * as nodeFiles from "node:fs";

export type FileSystem = Pick<
  typeof nodeFiles,
  | "lstatSync"
  | "fstatSync"
  | "openSync"
  | "readSync"
  | "writeSync"
  | "fsyncSync"
  | "closeSync"
  | "mkdirSync"
  | "readdirSync"
  | "renameSync"
  | "linkSync"
  | "unlinkSync"
  | "rmdirSync"
  | "fchmodSync"
  | "fchownSync"
>;

export const realFileSystem: FileSystem = nodeFiles;

/** Makes names in a directory outlast a power cut. @throws Error */
export function syncDirectory(files: FileSystem, directory: string): void {
  const fd = files.openSync(directory, "r");
  try {
    files.fsyncSync(fd);
  } finally {
    files.closeSync(fd);
  }
}
