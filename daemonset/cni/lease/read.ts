/**
 * Reads leases of a network directory, a few at a time. With synchronous calls: these are files of 70 bytes on the
 * node's own disk, a few microseconds each; the caller lets others have their turn between batches.
 */
import { closeSync, constants, fstatSync, openSync, opendirSync, readSync, type Dirent } from "node:fs";
import { codeOf, reasonOf } from "../../host/reason.ts";
import type { FileSystem } from "../apply/file-system.ts";
import type { FileReading } from "../apply/order.ts";

export type ReadFile =
  | { readonly kind: "file"; readonly reading: FileReading }
  | { readonly kind: "gone" }
  /** A second name leads to the same file, it is larger than asked for, or it is no regular file. */
  | { readonly kind: "odd"; readonly reason: string }
  | { readonly kind: "unreadable"; readonly reason: string };

/** Never follows a link, never waits for a pipe. Never throws. */
export function readWhole(directory: string, name: string, mostBytes: number): ReadFile {
  let file: number | undefined;
  try {
    file = openSync(
      `${directory}/${name}`,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY,
    );
    const { ino, nlink } = checked(fstatSync(file, { bigint: true }));
    if (nlink !== 1n) return { kind: "odd", reason: `it has ${nlink} names` };
    const content = readUpTo({ readSync }, file, mostBytes);
    if (content === undefined) return { kind: "odd", reason: `it is larger than ${mostBytes} bytes` };
    return { kind: "file", reading: { directory, name, ino, content } };
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === "ENOENT") return { kind: "gone" };
    if (code === "ELOOP" || thrown instanceof NotRegular)
      return { kind: "odd", reason: "it is no regular file" };
    return { kind: "unreadable", reason: reasonOf(thrown) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** Shared by all reads, as each is over before the next begins: a buffer for each would be memory that stays. */
const ROOM = Buffer.allocUnsafeSlow(16 * 1_024);

/**
 * The bytes of an open regular file from its beginning, one character each. Undefined if there are more than asked for.
 * @throws Error
 */
export function readUpTo(
  files: Pick<FileSystem, "readSync">,
  file: number,
  mostBytes: number,
): string | undefined {
  let content = "";
  for (;;) {
    const read = files.readSync(file, ROOM, 0, ROOM.length, content.length);
    content += ROOM.toString("latin1", 0, read);
    if (content.length > mostBytes) return undefined;
    // Of a regular file less comes only where it ends, so that a small one is read once.
    if (read < ROOM.length) return content;
  }
}

class NotRegular extends Error {}

function checked<Stat extends { isFile(): boolean }>(stat: Stat): Stat {
  if (!stat.isFile()) throw new NotRegular("not a regular file");
  return stat;
}

/**
 * The entries of a directory, one after the other, never all of them in memory. What is made or removed meanwhile may
 * be there or not.
 * @throws Error if it can't be read
 */
export function* entriesOf(directory: string): Generator<Dirent> {
  const opened = opendirSync(directory, { bufferSize: 256 });
  try {
    for (let entry = opened.readSync(); entry !== null; entry = opened.readSync()) yield entry;
  } finally {
    opened.closeSync();
  }
}
