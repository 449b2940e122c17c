/** Files that are either the old one or the new one, whole, whatever moment the power goes. */
import { randomBytes } from "node:crypto";
import * as nodeFiles from "node:fs/promises";
import { dirname, join, basename } from "node:path";

/** The part of a file handle that is needed here. */
export interface WritableHandle {
  writeFile(text: string): Promise<unknown>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The part of `node:fs/promises` that is needed here. */
export interface FileSystem {
  mkdir(path: string, options: { readonly recursive: true; readonly mode: number }): Promise<unknown>;
  open(path: string, flags: string, mode?: number): Promise<WritableHandle>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { readonly force: true }): Promise<void>;
}

export const realFileSystem: FileSystem = nodeFiles;

/**
 * Writes `text` to a temporary file beside `path`, fsyncs it, renames it over `path` and fsyncs the directory, which
 * is made when missing. `mode` is cut by the umask. On failure `path` is as it was and the temporary file is gone.
 * @throws Error naming the path, with the system's error as cause.
 */
export async function writeWholeFile(
  path: string,
  text: string,
  files: FileSystem = realFileSystem,
  mode = 0o600,
): Promise<void> {
  const directory = dirname(path);
  // Random, not the process id: in two containers that is 1 both times.
  const partial = join(directory, `.${basename(path)}.${randomBytes(6).toString("hex")}.partial`);
  try {
    await files.mkdir(directory, { recursive: true, mode: 0o755 });
    try {
      await withHandle(await files.open(partial, "wx", mode), async (handle) => {
        await handle.writeFile(text);
        // Before the rename: else a power cut can leave the new name with zero bytes (ext4, XFS).
        await handle.sync();
      });
      await files.rename(partial, path);
    } catch (error) {
      await files.rm(partial, { force: true });
      throw error;
    }
    await withHandle(await files.open(directory, "r"), async (handle) => handle.sync());
  } catch (cause) {
    throw new Error(`write ${path}`, { cause });
  }
}

async function withHandle(
  handle: WritableHandle,
  use: (handle: WritableHandle) => Promise<void>,
): Promise<void> {
  try {
    await use(handle);
  } finally {
    await handle.close();
  }
}
