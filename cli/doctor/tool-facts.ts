/** What the doctor reads about reboot tools. */
import { parseToolList } from "../../lock/tool-list.ts";
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import type { JsonObject } from "../../kube/json.ts";
import { listAll } from "../lists.ts";
import { look, readObject, type Fact } from "./facts.ts";
import { kuredIn, type Kured } from "./kured.ts";
import { argumentsIn } from "./workload.ts";

const DEPLOYMENT = "nodelatch-webhook";

/** Users in the `--tools` of the webhook's Deployment; undefined: there is no Deployment, or it names no tools. */
export async function webhookTools(
  kube: KubeConnection,
  namespace: string,
  signal: AbortSignal,
): Promise<Fact<readonly string[] | undefined>> {
  const path = apiPath("apis", "apps", "v1", "namespaces", namespace, "deployments", DEPLOYMENT);
  return look(signal, async () => {
    const deployment = await readObject(kube, path, signal);
    if (deployment === undefined) throw new Error(`there is no Deployment ${namespace}/${DEPLOYMENT}`);
    return usersInArguments(deployment);
  });
}

function usersInArguments(deployment: JsonObject): readonly string[] | undefined {
  const words = argumentsIn(deployment);
  const list = words.find((word) => word.startsWith("--tools="))?.slice("--tools=".length);
  if (list === undefined) return undefined;
  const read = parseToolList(list);
  if (!read.ok) throw new Error(`--tools of Deployment ${DEPLOYMENT}: ${read.problem}`);
  return read.tools.map(({ username }) => username);
}

/** kureds of the whole cluster. RBAC: `list` on daemonsets. */
export async function listKureds(kube: KubeConnection, signal: AbortSignal): Promise<Fact<readonly Kured[]>> {
  return look(signal, async () => {
    const path = apiPath("apis", "apps", "v1", "daemonsets");
    const found = await listAll(kube, { doing: "list DaemonSets", path, kind: "DaemonSetList", signal });
    return found.flatMap((daemonSet) => kuredIn(daemonSet) ?? []);
  });
}
