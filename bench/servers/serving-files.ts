/** The certificate that all servers of a run share, in files. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { issueAuthority } from "../../certs/authority.ts";
import { issueLeaf } from "../../certs/leaf.ts";

const LIFE_MILLIS = 3_600_000;

/** Writes tls.crt and tls.key for the names (DNS or IP) into the folder. Returns the CA's PEM. */
export async function writeServingFiles(folder: string, names: readonly string[]): Promise<string> {
  const now = Date.now();
  const authority = issueAuthority(now, LIFE_MILLIS);
  const leaf = issueLeaf(authority, names, now, LIFE_MILLIS);
  await writeFile(join(folder, "tls.crt"), leaf.certPem);
  await writeFile(join(folder, "tls.key"), leaf.keyPem, { mode: 0o600 });
  return authority.certPem;
}
