import { mkdir, writeFile } from "node:fs/promises";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { apiInside, apiServiceAddress, controlPlaneAddress, type MachineSpec } from "../config/addresses.ts";
import type { WorkPaths } from "../config/paths.ts";
import { issueCertificate } from "./certificate.ts";
import { authorityFiles, writeUserKubeconfig } from "./users.ts";

/**
 * Writes the CA, the API server's certificates and the kubeconfigs of every cluster component. What machines check by
 * their own clock is valid from `ageHours` ago.
 */
export async function writeClusterPki(
  paths: WorkPaths,
  machines: readonly MachineSpec[],
  signal: AbortSignal,
  ageHours = 0,
): Promise<void> {
  await mkdir(paths.pki, { recursive: true, mode: 0o700 });
  const authority = authorityFiles(paths);
  await issueCertificate(
    { commonName: "nodelatch test cluster", organizations: [], names: [], use: "authority", ageHours },
    authority,
    undefined,
    signal,
  );
  const file = (name: string) => ({
    certificate: join(paths.pki, `${name}.crt`),
    key: join(paths.pki, `${name}.key`),
  });
  const services = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const addresses = ["127.0.0.1", controlPlaneAddress, apiServiceAddress];
  const names = [
    ...["localhost", ...services, "kubernetes.default.svc.cluster.local"].map((name) => `DNS:${name}`),
    ...addresses.map((address) => `IP:${address}`),
  ];
  await issueCertificate(
    { commonName: "kube-apiserver", organizations: [], names, use: "server", ageHours },
    file("apiserver"),
    authority,
    signal,
  );
  await issueCertificate(
    {
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["system:masters"],
      names: [],
      use: "client",
    },
    file("apiserver-kubelet-client"),
    authority,
    signal,
  );
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const serviceAccountKey = privateKey.export({ type: "sec1", format: "pem" });
  await writeFile(join(paths.pki, "service-accounts.key"), serviceAccountKey, { mode: 0o600 });
  const users = [
    { name: "supervisor", groups: ["system:masters"] },
    { name: "system:kube-controller-manager", groups: [] },
    { name: "system:kube-scheduler", groups: [] },
    { name: "system:kube-proxy", groups: [] },
    ...machines.map(({ name }) => ({ name: `system:node:${name}`, groups: ["system:nodes"] })),
  ];
  const place = { paths, folder: paths.config, server: apiInside };
  for (const user of users) await writeUserKubeconfig(place, user, signal);
}
