/** kured's ServiceAccount and rights, as its own manifests give them (kubereboot/kured: kured-rbac.yaml). */
import { KURED_NAMESPACE } from "../kured/options.ts";
import type { Cluster } from "./cluster/cluster.ts";

const RBAC = "rbac.authorization.k8s.io";

export async function grantKured(cluster: Cluster): Promise<void> {
  await cluster.kubectl(["apply", "-f", "-"], { input: JSON.stringify(list()) });
}

export async function revokeKured(cluster: Cluster): Promise<void> {
  await cluster.tryKubectl(["delete", "--ignore-not-found", "-f", "-"], { input: JSON.stringify(list()) });
}

function list(): object {
  const metadata = { name: "kured", namespace: KURED_NAMESPACE };
  const subjects = [{ kind: "ServiceAccount", ...metadata }];
  const apiVersion = `${RBAC}/v1`;
  const rules = [
    { apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] },
    { apiGroups: [""], resources: ["pods"], verbs: ["list", "delete", "get"] },
    { apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["get"] },
    { apiGroups: [""], resources: ["pods/eviction"], verbs: ["create"] },
  ];
  // Its own manifest names the one DaemonSet; each scenario has another.
  const own = [{ apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["update"] }];
  const roleRef = (kind: string) => ({ apiGroup: RBAC, kind, name: "kured" });
  return {
    apiVersion: "v1",
    kind: "List",
    items: [
      { apiVersion: "v1", kind: "ServiceAccount", metadata },
      { apiVersion, kind: "ClusterRole", metadata: { name: "kured" }, rules },
      {
        apiVersion,
        kind: "ClusterRoleBinding",
        metadata: { name: "kured" },
        roleRef: roleRef("ClusterRole"),
        subjects,
      },
      { apiVersion, kind: "Role", metadata, rules: own },
      { apiVersion, kind: "RoleBinding", metadata, roleRef: roleRef("Role"), subjects },
    ],
  };
}
