import { readFile, rm, writeFile } from "node:fs/promises";

/** Asked by Debian's packages before they start a service (invoke-rc.d(8)); 101 forbids it. */
const debianPolicyFile = "/usr/sbin/policy-rc.d";
const forbids =
  "#!/bin/sh\n# Made by nodelatch's tests while they install packages; may be removed.\nexit 101\n";

/**
 * Installs with services forbidden to start: docker.io would start a dockerd for the whole machine. A policy that the
 * machine has is its owner's and stays; one of ours, left by a run that was killed, goes.
 */
export async function withoutServices<T>(install: () => Promise<T>, file = debianPolicyFile): Promise<T> {
  const present = await readFile(file, "utf8").catch(() => undefined);
  if (present !== undefined && present !== forbids) return install();
  await writeFile(file, forbids, { mode: 0o755 });
  try {
    return await install();
  } finally {
    await rm(file, { force: true });
  }
}
