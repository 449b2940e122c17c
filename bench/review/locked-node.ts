/** Locked Nodes of a chosen size, in the shape that a kubelet and the latch leave behind. */
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { writeRecord } from "../../lock/record.ts";

export type JsonObject = { readonly [key: string]: unknown };

export interface LockedNodeSpec {
  readonly name: string;
  /** Of its JSON; images fill it up, so it ends up to 200 bytes short. */
  readonly bytes: number;
  /** Beside the usual ones. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** Who holds the lock of every such node. */
export const HOLDER = "system:serviceaccount:kube-system:kured";
const UID = "6f2b1c9e-6a0e-4ab6-9a0b-5d6c1f0e7a31";
const BOOT_ID = "b1d3e9c1-2f4e-4a0c-9a51-7f3f7c0b2d10";

/** A cordoned Node with a stamped lock. Without managedFields and uid: an API server writes its own. */
export function lockedNode({ name, bytes, labels = {} }: LockedNodeSpec): JsonObject {
  const images: JsonObject[] = [];
  const node = nodeWith(name, labels, images);
  let size = Buffer.byteLength(JSON.stringify(node));
  for (let index = 0; ; index += 1) {
    const image = imageOf(index);
    size += Buffer.byteLength(JSON.stringify(image)) + 1;
    if (size > bytes) return node;
    images.push(image);
  }
}

/** The same Node after `kubectl uncordon`. */
export function uncordoned(node: JsonObject): JsonObject {
  // The taint stays until the node lifecycle controller takes it.
  return { ...node, spec };
}

const spec = {
  podCIDR: "10.244.3.0/24",
  podCIDRs: ["10.244.3.0/24"],
  taints: [{ key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" }],
};

function nodeWith(name: string, labels: JsonObject, images: readonly JsonObject[]): JsonObject {
  const lock = writeRecord({
    holder: HOLDER,
    reason: "kernel update",
    acquiredAt: "2026-11-21T09:14:00Z",
    nodeUID: UID,
    bootID: BOOT_ID,
    wasUnschedulable: false,
    release: "explicit",
  });
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: { ...labelsOf(name), ...labels },
      annotations: { [LOCK_ANNOTATION]: lock, ...annotations },
    },
    spec: { ...spec, unschedulable: true },
    status: { ...statusOf(name), images },
  };
}

function labelsOf(name: string): JsonObject {
  return {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": name,
    "kubernetes.io/os": "linux",
    "node-role.kubernetes.io/worker": "",
    "node.kubernetes.io/instance-type": "m5.2xlarge",
    "topology.kubernetes.io/region": "region-1",
    "topology.kubernetes.io/zone": "region-1b",
  };
}

const annotations = {
  "csi.volume.kubernetes.io/nodeid": '{"disk.csi.example.com":"i-0a1b2c3d4e5f60718"}',
  "node.alpha.kubernetes.io/ttl": "0",
  "volumes.kubernetes.io/controller-managed-attach-detach": "true",
};

function statusOf(name: string): JsonObject {
  const resources = { cpu: "8", "ephemeral-storage": "100Gi", memory: "32Gi", pods: "110" };
  return {
    addresses: [
      { type: "InternalIP", address: "192.0.2.17" },
      { type: "Hostname", address: name },
    ],
    allocatable: resources,
    capacity: resources,
    conditions: [
      condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "sufficient memory available"),
      condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "no disk pressure"),
      condition("PIDPressure", "False", "KubeletHasSufficientPID", "sufficient PID available"),
      condition("Ready", "True", "KubeletReady", "posting ready status"),
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: 10250 } },
    nodeInfo: {
      architecture: "amd64",
      bootID: BOOT_ID,
      containerRuntimeVersion: "containerd://2.1.9",
      kernelVersion: "6.12.41-amd64",
      kubeProxyVersion: "v1.35.4",
      kubeletVersion: "v1.35.4",
      machineID: "3b1a7d2c9e0f4a5b8c6d7e8f90a1b2c3",
      operatingSystem: "linux",
      osImage: "Debian GNU/Linux 13 (trixie)",
      systemUUID: "3b1a7d2c-9e0f-4a5b-8c6d-7e8f90a1b2c3",
    },
  };
}

function condition(type: string, status: string, reason: string, what: string): JsonObject {
  const at = "2026-11-21T09:10:11Z";
  const message = `kubelet has or is ${what}`;
  return { type, status, reason, message, lastHeartbeatTime: at, lastTransitionTime: at };
}

/** As the kubelet lists them: by digest and by tag. */
function imageOf(index: number): JsonObject {
  const digest = index.toString(16).padStart(4, "0").repeat(16);
  const repository = `registry.example.com/platform/component-${index}`;
  return {
    names: [`${repository}@sha256:${digest}`, `${repository}:v1.${index}.0`],
    sizeBytes: 30_000_000 + index,
  };
}
