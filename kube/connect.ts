/** From credentials to a connection: in a pod by its ServiceAccount, elsewhere by a kubeconfig file. */
import { steadyMillis } from "./clock-offset.ts";
import { makeConnection } from "./connection.ts";
import { PoolingKubeConfig } from "./pool.ts";
import { readServiceAccount, type InClusterWorld } from "./service-account.ts";
import { TokenFile } from "./token-file.ts";
import type { WatchingConnection } from "./watch.ts";

export type { KubeConnection } from "./call.ts";

/**
 * Connects as the pod's own ServiceAccount. No request is sent yet.
 * @throws Error if this process does not run in a pod, or the pod has no token mounted.
 */
export async function connectInCluster(world: InClusterWorld): Promise<WatchingConnection> {
  const { server, caFile, tokenFile, namespace } = await readServiceAccount(world);
  const config = new PoolingKubeConfig();
  config.addAuthenticator(tokenFile);
  config.loadFromOptions({
    // client-node reads the CA file again for each request, so a rotated cluster CA is picked up.
    clusters: [{ name: "in-cluster", caFile, server, skipTLSVerify: false }],
    users: [TokenFile.user],
    contexts: [{ name: "in-cluster", cluster: "in-cluster", user: TokenFile.user.name, namespace }],
    currentContext: "in-cluster",
  });
  return makeConnection({ config, tokenFile, wallMillis: world.wallMillis ?? steadyMillis });
}

/**
 * Connects by a kubeconfig file. No request is sent yet.
 * @param context Name of the context to use; the file's current one if absent.
 * @throws Error if the file can't be read or lacks the context, its cluster or its user.
 */
export function connectKubeconfig(path: string, context?: string): WatchingConnection {
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
  return makeConnection({ config, wallMillis: steadyMillis });
}
