/** kured's DaemonSet in the shape of its own manifest (kubereboot/kured: kured-ds.yaml), but for the image. */
import { KURED_NAMESPACE } from "../kured/options.ts";
import { KURED_IMAGE } from "./kured-image.ts";

export const DAEMONSET = "kured";
/** Where the manifest mounts the host's /var/run, read-only. */
const SENTINELS = "/sentinel";

/** @param flags beside --reboot-sentinel, which the manifest has. */
export function kuredDaemonSet(flags: readonly string[]): object {
  const labels = { name: DAEMONSET };
  const metadata = { name: DAEMONSET, namespace: KURED_NAMESPACE };
  const container = {
    name: "kured",
    image: KURED_IMAGE,
    imagePullPolicy: "Never",
    securityContext: { privileged: true, readOnlyRootFilesystem: true },
    ports: [{ containerPort: 8080, name: "metrics" }],
    env: [{ name: "KURED_NODE_ID", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
    volumeMounts: [{ mountPath: SENTINELS, name: "sentinel", readOnly: true }],
    command: ["/usr/bin/kured", `--reboot-sentinel=${SENTINELS}/reboot-required`, ...flags],
  };
  const spec = {
    serviceAccountName: "kured",
    tolerations: ["control-plane", "master"].map((role) => ({
      key: `node-role.kubernetes.io/${role}`,
      effect: "NoSchedule",
    })),
    hostPID: true,
    restartPolicy: "Always",
    volumes: [{ name: "sentinel", hostPath: { path: "/var/run", type: "Directory" } }],
    containers: [container],
  };
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata,
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  };
}
