/** From credentials to a lean connection: in a pod by its ServiceAccount, elsewhere by a kubeconfig file. */
import { readFile } from "node:fs/promises";
import type { KubeConnection } from "../call.ts";
import { steadyMillis } from "../clock-offset.ts";
import { readServiceAccount, type InClusterWorld } from "../service-account.ts";
import { TokenFile } from "../token-file.ts";
import { makeLeanConnection } from "./connection.ts";
import { parseKubeconfig, type Pem } from "./kubeconfig.ts";

/**
 * Connects as the pod's own ServiceAccount. No request is sent yet.
 * @throws Error if this process does not run in a pod, or the pod has no token mounted.
 */
export async function connectInCluster(world: InClusterWorld): Promise<KubeConnection> {
  const { server, caFile, tokenFile, namespace } = await readServiceAccount(world);
  return makeLeanConnection({
    server,
    namespace,
    credentials: async () => ({
      ca: await readText("the API server's CA", caFile),
      pair: undefined,
      token: await tokenFile.read(),
    }),
    renew: renewing(tokenFile),
    wallMillis: world.wallMillis ?? steadyMillis,
  });
}

/**
 * Connects by a kubeconfig file. No request is sent yet.
 * @param context Name of the context to use; the file's current one if absent.
 * @throws Error if the file can't be read, lacks the context, its cluster or its user, or asks for what is not
 * supported here, such as an exec plugin.
 */
export async function connectKubeconfig(path: string, context?: string): Promise<KubeConnection> {
  const text = await readText("kubeconfig", path);
  const { server, serverName, namespace, ca, pair, token } = parseKubeconfig(text, path, context);
  const tokenFile =
    token?.kind === "file"
      ? new TokenFile({
          path: token.path,
          readFile: (file) => readFile(file, "utf8"),
          monotonicMillis: () => performance.now(),
        })
      : undefined;
  return makeLeanConnection({
    server,
    serverName,
    namespace,
    credentials: async () => ({
      ca: ca && (await pemOf("the API server's CA", ca)),
      pair: pair && {
        certificate: await pemOf("the client certificate", pair.certificate),
        key: await pemOf("the client key", pair.key),
      },
      token: token?.kind === "text" ? token.text : await tokenFile?.read(),
    }),
    renew: renewing(tokenFile),
    wallMillis: steadyMillis,
  });
}

function renewing(tokenFile: TokenFile | undefined): () => boolean {
  return () => {
    tokenFile?.expire();
    return tokenFile !== undefined;
  };
}

async function pemOf(what: string, pem: Pem): Promise<string> {
  return pem.kind === "text" ? pem.text : readText(what, pem.path);
}

async function readText(what: string, path: string): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    throw new Error(`read ${what} from ${path}`, { cause });
  });
}
