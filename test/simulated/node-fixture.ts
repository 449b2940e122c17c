/** Nodes as a kubelet registers them, for scenarios and benches. */
import { randomUUID } from "node:crypto";
import type { JsonObject } from "./objects/json.ts";

export interface NodeFixture {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly unschedulable?: boolean;
  /** Defaults to a random one. A reboot is: another one. */
  readonly bootID?: string;
  /** How many container images the kubelet reports. 0 (default): 2 kB of JSON; 50 (its maximum): 17 kB. */
  readonly images?: number;
  /** Defaults to "2026-01-02T03:04:05Z"; heartbeats and transitions. */
  readonly time?: string;
  readonly internalIP?: string;
}

const KIB = 1024;

/** A Node to POST: everything a kubelet sends, nothing that the server fills in. */
export function nodeFixture(fixture: NodeFixture): JsonObject {
  const { name, unschedulable = false, bootID = randomUUID(), images = 0 } = fixture;
  const time = fixture.time ?? "2026-01-02T03:04:05Z";
  const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule", timeAdded: time };
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "beta.kubernetes.io/arch": "amd64",
        "beta.kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        ...fixture.labels,
      },
      annotations: {
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
        ...fixture.annotations,
      },
    },
    spec: {
      podCIDR: "10.244.0.0/24",
      podCIDRs: ["10.244.0.0/24"],
      providerID: `simulated://${name}`,
      ...(unschedulable ? { unschedulable, taints: [taint] } : {}),
    },
    status: {
      capacity: { ...RESOURCES, memory: "16374400Ki", cpu: "8" },
      allocatable: { ...RESOURCES, memory: "16272000Ki", cpu: "7910m" },
      conditions: CONDITIONS.map((condition) => ({
        ...condition,
        lastHeartbeatTime: time,
        lastTransitionTime: time,
      })),
      addresses: [
        { type: "InternalIP", address: fixture.internalIP ?? "192.0.2.11" },
        { type: "Hostname", address: name },
      ],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      nodeInfo: {
        machineID: "6c1f3e2ab0554d07a2c1d84d7a1f5a01",
        systemUUID: "6c1f3e2a-b055-4d07-a2c1-d84d7a1f5a01",
        bootID,
        kernelVersion: "6.1.0-26-amd64",
        osImage: "Debian GNU/Linux 12 (bookworm)",
        containerRuntimeVersion: "containerd://1.7.24",
        kubeletVersion: "v1.35.4",
        kubeProxyVersion: "",
        operatingSystem: "linux",
        architecture: "amd64",
      },
      images: Array.from({ length: images }, (_, index) => image(index)),
    },
  };
}

const RESOURCES = {
  "ephemeral-storage": "101430960Ki",
  "hugepages-1Gi": "0",
  "hugepages-2Mi": "0",
  pods: "110",
};

const CONDITIONS = [
  healthy("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
  healthy("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
  healthy("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
  { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" },
];

function healthy(type: string, reason: string, message: string): JsonObject {
  return { type, status: "False", reason, message };
}

function image(index: number): JsonObject {
  const digest = index.toString(16).padStart(4, "0").repeat(16);
  const repository = `registry.example.com/platform-images/production/component-${index}`;
  return {
    names: [
      `${repository}@sha256:${digest}`,
      `${repository}:v1.${index}.0-2026.01.02`,
      `mirror.example.com/cache/${repository}:v1.${index}.0-2026.01.02`,
    ],
    sizeBytes: (index + 1) * 3 * KIB * KIB,
  };
}
