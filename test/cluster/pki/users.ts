import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { WorkPaths } from "../config/paths.ts";
import { issueCertificate, type KeyPairFiles } from "./certificate.ts";
import { renderKubeconfig } from "./kubeconfig.ts";

/** Who a client certificate makes its bearer. */
export interface UserSpec {
  readonly name: string;
  readonly groups: readonly string[];
}

export function authorityFiles(paths: WorkPaths): KeyPairFiles {
  return { certificate: join(paths.pki, "ca.crt"), key: join(paths.pki, "ca.key") };
}

/** The file name a user's name becomes: `system:node:n1` -> `system_node_n1`. */
export function userFileName(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9.@-]/g, "_");
}

/** Where a kubeconfig goes and which server it names. */
export interface KubeconfigPlace {
  readonly paths: WorkPaths;
  readonly folder: string;
  readonly server: string;
}

/** Issues a client certificate and writes `FOLDER/NAME.kubeconfig`, whose path it returns. */
export async function writeUserKubeconfig(
  place: KubeconfigPlace,
  user: UserSpec,
  signal?: AbortSignal,
): Promise<string> {
  await mkdir(place.folder, { recursive: true });
  const base = join(place.folder, userFileName(user.name));
  const files: KeyPairFiles = { certificate: `${base}.crt`, key: `${base}.key` };
  await issueCertificate(
    { commonName: user.name, organizations: user.groups, names: [], use: "client" },
    files,
    authorityFiles(place.paths),
    signal,
  );
  const credential = { kind: "certificate", ...files } as const;
  return writeKubeconfig(`${base}.kubeconfig`, place, user.name, credential);
}

/** Writes `FOLDER/NAME.kubeconfig` for a bearer token and returns its path. */
export async function writeTokenKubeconfig(
  place: KubeconfigPlace,
  name: string,
  token: string,
): Promise<string> {
  await mkdir(place.folder, { recursive: true });
  const file = join(place.folder, `${userFileName(name)}.kubeconfig`);
  return writeKubeconfig(file, place, name, { kind: "token", token });
}

async function writeKubeconfig(
  file: string,
  { paths, server }: KubeconfigPlace,
  user: string,
  credential: Parameters<typeof renderKubeconfig>[0]["credential"],
): Promise<string> {
  const caFile = authorityFiles(paths).certificate;
  const unfinished = `${file}.new`;
  await writeFile(unfinished, renderKubeconfig({ server, caFile, user, credential }), { mode: 0o600 });
  await rename(unfinished, file);
  return file;
}
