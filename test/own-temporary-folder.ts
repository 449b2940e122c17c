/** Before all unit tests: a folder for what they write, which goes after the last of them, whoever forgot to clean up. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export default async function makeTemporaryFolder(): Promise<() => Promise<void>> {
  // Short: the paths of sockets end at 107 bytes (unix(7)).
  const folder = await mkdtemp(join(tmpdir(), "nl-"));
  // Workers are started later and inherit it.
  process.env["TMPDIR"] = folder;
  return async () => rm(folder, { recursive: true, force: true });
}
