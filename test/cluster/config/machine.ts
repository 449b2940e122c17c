import { join } from "node:path";
import type { Argv } from "../process/run.ts";
import { dnsServiceAddress, type MachineSpec } from "./addresses.ts";
import type { WorkPaths } from "./paths.ts";

/** The image every pod sandbox runs; imported before the first pod. */
export const pauseImage = "docker.io/library/nodelatch-test-pause:1";
/** busybox for scenarios' own pods, with `imagePullPolicy: Never`. */
export const busyboxImage = "docker.io/library/nodelatch-test-busybox:1";

export function containerdArgv(paths: WorkPaths): Argv {
  return ["containerd", "--config", join(paths.config, "containerd.toml")];
}

/** All paths are containerd's defaults: inside a machine they belong to that machine alone. */
export function containerdConfig(): string {
  return `version = 2
root = "/var/lib/containerd"
state = "/run/containerd"

[grpc]
  address = "/run/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "/var/lib/containerd/opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${pauseImage}"
  # Lowering a score needs CAP_SYS_RESOURCE, which containers in CI often lack.
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/usr/lib/cni"
  conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`;
}

/** The content of /etc/cni/net.d/10-pods.conflist. */
export function cniConfig(machine: MachineSpec): object {
  return {
    cniVersion: "0.4.0",
    name: "k8s-pod-network",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isDefaultGateway: true,
        hairpinMode: true,
        ipam: { type: "host-local", ranges: [[{ subnet: machine.podSubnet }]] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
      ...(machine.lastPlugin === null ? [] : [{ type: machine.lastPlugin }]),
    ],
  };
}

export function kubeletArgv(program: string, paths: WorkPaths, machine: MachineSpec): Argv {
  return [
    program,
    `--config=${join(paths.config, `kubelet-${machine.name}.json`)}`,
    `--kubeconfig=${join(paths.config, `system_node_${machine.name}.kubeconfig`)}`,
    `--hostname-override=${machine.name}`,
    `--node-ip=${machine.address}`,
  ];
}

/** The content of kubelet-NAME.json. `cgroupRoot` keeps the kubelet from any other one's /kubepods. */
export function kubeletConfig(paths: WorkPaths, cgroupRoot: string): object {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: join(paths.pki, "ca.crt") },
    },
    authorization: { mode: "Webhook" },
    cgroupDriver: "cgroupfs",
    cgroupRoot,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // Lowering a score needs CAP_SYS_RESOURCE, which containers in CI often lack.
    oomScoreAdj: 0,
    // What is tested is whether a container can be made again, not that kubelet waits up to 5 minutes with it.
    featureGates: { KubeletCrashLoopBackOffMax: true },
    crashLoopBackOff: { maxContainerRestartPeriod: "5s" },
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    // A changed Secret reaches its volume with a pod's next sync; a minute each time is not what is tested.
    syncFrequency: "10s",
    clusterDomain: "cluster.local",
    clusterDNS: [dnsServiceAddress],
    volumePluginDir: "/var/lib/kubelet/volume-plugins",
    // The machine's own disk may be full; that is not what is tested, and evictions would look like failures.
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      "imagefs.available": "0%",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.inodesFree": "0%",
    },
  };
}
