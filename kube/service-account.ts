/** What a pod knows of its API server and of itself there. */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { TokenFile } from "./token-file.ts";

/** Where the kubelet mounts a pod's credentials: `token`, `ca.crt`, `namespace`. */
export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Defaults to SERVICE_ACCOUNT_DIRECTORY. */
  readonly directory?: string;
  readonly wallMillis?: () => number;
  readonly monotonicMillis?: () => number;
}

export interface ServiceAccount {
  /** Base URL. */
  readonly server: string;
  /** To be read for each request: the cluster's CA may be rotated. */
  readonly caFile: string;
  readonly tokenFile: TokenFile;
  readonly namespace: string | undefined;
}

/** @throws Error if this process does not run in a pod, or the pod has no token mounted. */
export async function readServiceAccount(world: InClusterWorld): Promise<ServiceAccount> {
  const host = world.env["KUBERNETES_SERVICE_HOST"] ?? "";
  const port = world.env["KUBERNETES_SERVICE_PORT"] ?? "";
  if (host === "" || port === "") {
    throw new Error(
      "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod; give a kubeconfig instead",
    );
  }
  const directory = world.directory ?? SERVICE_ACCOUNT_DIRECTORY;
  const tokenFile = new TokenFile({
    path: join(directory, "token"),
    readFile: (path) => readFile(path, "utf8"),
    monotonicMillis: world.monotonicMillis ?? (() => performance.now()),
  });
  // Read both once now: a pod with automountServiceAccountToken: false should say so at start.
  await tokenFile.read();
  const caFile = join(directory, "ca.crt");
  const namespace = await readOptional(join(directory, "namespace"));
  await readFile(caFile, "utf8").catch((cause: unknown) => {
    throw new Error(`read the API server's CA from ${caFile}`, { cause });
  });
  const server = `https://${isIPv6(host) ? `[${host}]` : host}:${port}`;
  return { server, caFile, tokenFile, namespace };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    const text = (await readFile(path, "utf8")).trim();
    return text === "" ? undefined : text;
  } catch {
    // Only used as a default in messages and paths; its absence is no fault.
    return undefined;
  }
}
