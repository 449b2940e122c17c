/** What a `writeWholeFile` leaves that was killed, or lost its power, before the rename. */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../reason.ts";

/** As writeWholeFile names them. */
const PARTIAL = /^\..+\.[0-9a-f]{12}\.partial$/;

/**
 * Call it once, before this process writes there. A command by hand that is just writing fails then and says so, and
 * its old file stays.
 * @returns how many went; a directory that is not there has none
 * @throws Error naming the directory
 */
export async function sweepPartials(directory: string): Promise<number> {
  try {
    const names = (await readdir(directory)).filter((name) => PARTIAL.test(name));
    for (const name of names) await rm(join(directory, name), { force: true });
    return names.length;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return 0;
    throw new Error(`sweep ${directory}`, { cause });
  }
}
