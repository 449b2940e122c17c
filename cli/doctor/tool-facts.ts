/** What the doctor reads about reboot tools. */
import { parseToolList } from "../../lock/tool-list.ts";
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import type { JsonObject } from "../../kube/json.ts";
import { listAll } from "../lists.ts";
import { look, type Fact } from "./facts.ts";
import { kuredIn, type Kured } from "./kured.ts";
import { argumentsIn, WEBHOOK } from "./workload.ts";

/** Users in the `--tools` of the webhook's Deployment; undefined: it names no tools. Pure. */
export function webhookTools(
  deployment: Fact<JsonObject | undefined>,
  namespace: string,
): Fact<readonly string[] | undefined> {
  const unknown = (why: string) => ({ kind: "unknown", why, isForbidden: false }) as const;
  if (deployment.kind === "unknown") return deployment;
  if (deployment.value === undefined) return unknown(`there is no Deployment ${namespace}/${WEBHOOK}`);
  const words = argumentsIn(deployment.value);
  const list = words.find((word) => word.startsWith("--tools="))?.slice("--tools=".length);
  if (list === undefined) return { kind: "known", value: undefined };
  const read = parseToolList(list);
  if (!read.ok) return unknown(`--tools of Deployment ${WEBHOOK}: ${read.problem}`);
  return { kind: "known", value: read.tools.map(({ username }) => username) };
}

/** kureds of the whole cluster. RBAC: `list` on daemonsets. */
export async function listKureds(kube: KubeConnection, signal: AbortSignal): Promise<Fact<readonly Kured[]>> {
  return look(signal, async () => {
    const path = apiPath("apis", "apps", "v1", "daemonsets");
    const found = await listAll(kube, { doing: "list DaemonSets", path, kind: "DaemonSetList", signal });
    return found.flatMap((daemonSet) => kuredIn(daemonSet) ?? []);
  });
}
