/** From credentials to a connection: in a pod by its ServiceAccount, elsewhere by a kubeconfig file. */
import { readFile } from "node:fs/promises";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { makeConnection, type KubeConnection } from "./connection.ts";
import { PoolingKubeConfig } from "./pool.ts";
import { TokenFile } from "./token-file.ts";

export type { KubeConnection } from "./connection.ts";

/** Where the kubelet mounts a pod's credentials: `token`, `ca.crt`, `namespace`. */
export const SERVICE_ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount";

export interface InClusterWorld {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Defaults to SERVICE_ACCOUNT_DIRECTORY. */
  readonly directory?: string;
  readonly wallMillis?: () => number;
  readonly monotonicMillis?: () => number;
}

/**
 * Connects as the pod's own ServiceAccount. No request is sent yet.
 * @throws Error if this process does not run in a pod, or the pod has no token mounted.
 */
export async function connectInCluster(world: InClusterWorld): Promise<KubeConnection> {
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
  const config = new PoolingKubeConfig();
  config.addAuthenticator(tokenFile);
  config.loadFromOptions({
    clusters: [
      {
        name: "in-cluster",
        // The CA file is read again for each request, so a rotated cluster CA is picked up.
        caFile,
        server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
        skipTLSVerify: false,
      },
    ],
    users: [TokenFile.user],
    contexts: [{ name: "in-cluster", cluster: "in-cluster", user: TokenFile.user.name, namespace }],
    currentContext: "in-cluster",
  });
  return makeConnection({ config, tokenFile, wallMillis: world.wallMillis ?? (() => Date.now()) });
}

/**
 * Connects by a kubeconfig file. No request is sent yet.
 * @param context Name of the context to use; the file's current one if absent.
 * @throws Error if the file can't be read or lacks the context, its cluster or its user.
 */
export function connectKubeconfig(path: string, context?: string): KubeConnection {
  const config = new PoolingKubeConfig();
  try {
    config.loadFromFile(path);
  } catch (cause) {
    throw new Error(`read kubeconfig ${path}`, { cause });
  }
  const names = config.getContexts().map(({ name }) => name);
  const wanted = context ?? config.getCurrentContext();
  if (!names.includes(wanted)) {
    throw new Error(
      `kubeconfig ${path}: context "${wanted ?? ""}" does not exist; it has: ${names.join(", ") || "none"}`,
    );
  }
  config.setCurrentContext(wanted);
  if (config.getCurrentCluster() === null) {
    throw new Error(`kubeconfig ${path}: context "${wanted}" names a cluster that is not in the file`);
  }
  if (config.getCurrentUser() === null) {
    throw new Error(`kubeconfig ${path}: context "${wanted}" names a user that is not in the file`);
  }
  return makeConnection({ config, wallMillis: () => Date.now() });
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
