/** Moves one file: a rename, or between file systems a whole copy before the original goes. */
import { dirname } from "node:path";
import { codeOf } from "../../host/reason.ts";
import { syncDirectory, type FileSystem } from "./file-system.ts";
import { readAtMost, removeIfThere, writeNewFile } from "./whole-file.ts";

/** A cached result is some KB. Larger is none, and stays. */
const MAX_BYTES = 16 * 1024 * 1024;

/**
 * `to` must be free: a rename would replace it. Whatever moment this ends, the bytes are at `from`, at `to` or at both.
 * @param partial a free name on the file system of `to`.
 * @throws Error; then the file is at `from`
 */
export function moveOut(files: FileSystem, from: string, to: string, partial: string): void {
  try {
    files.renameSync(from, to);
  } catch (error) {
    if (codeOf(error) !== "EXDEV") throw error;
    copyTo(files, from, partial);
    files.renameSync(partial, to);
    syncDirectory(files, dirname(to));
    files.unlinkSync(from);
  }
}

/**
 * The way back: never replaces what has that name by now.
 * @param partial a free name in the directory of `to`.
 * @returns false if the name is taken.
 * @throws Error
 */
export function moveBack(files: FileSystem, from: string, to: string, partial: string): boolean {
  try {
    files.linkSync(from, to);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") {
      // Linked before, by one that was ended before it had removed the other name.
      if (!isSameFile(files, from, to)) return false;
    } else if (code === "EXDEV" || code === "EPERM" || code === "ENOTSUP") {
      if (!linkCopy(files, from, to, partial)) return false;
    } else throw error;
  }
  files.unlinkSync(from);
  return true;
}

function linkCopy(files: FileSystem, from: string, to: string, partial: string): boolean {
  // Whether the name is taken is known before anything is written beside it.
  if (files.lstatSync(to, { throwIfNoEntry: false }) !== undefined) return false;
  copyTo(files, from, partial);
  try {
    files.linkSync(partial, to);
    files.unlinkSync(partial);
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      files.unlinkSync(partial);
      return false;
    }
    // A file system without hard links.
    files.renameSync(partial, to);
  }
  syncDirectory(files, dirname(to));
  return true;
}

function copyTo(files: FileSystem, from: string, to: string): void {
  const { stats, content } = readAtMost(files, from, MAX_BYTES);
  if (BigInt(content.length) !== stats.size) {
    throw new Error(`${from}: ${stats.size} bytes, expected a regular file of at most ${MAX_BYTES}`);
  }
  removeIfThere(files, to);
  writeNewFile(files, to, content, {
    mode: Number(stats.mode),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
  });
}

function isSameFile(files: FileSystem, one: string, other: string): boolean {
  const [a, b] = [one, other].map((path) => files.lstatSync(path, { bigint: true, throwIfNoEntry: false }));
  return a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;
}
