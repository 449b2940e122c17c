/** All that the agent has of the world outside, as parameters; the real one for main.ts. */
import { hostname, networkInterfaces, uptime, type NetworkInterfaceInfo } from "node:os";
import { join } from "node:path";
import type { TakeNetworkLock } from "./cni/apply/network-lock.ts";
import type { NamespacesWorld } from "./cni/liveness/live-namespaces.ts";
import { nodeNamespaces } from "./cni/liveness/node-namespaces.ts";
import type { Config } from "./config.ts";
import type { GateApi } from "./gate/gate.ts";
import { makeReadDisks, type ReadDisks } from "./findings.ts";
import { BOOT_ID_FILE, readBootID, type BootIDRead } from "./host/boot/boot-id.ts";
import { makeKubeletProbe, type KubeletProbe } from "./host/kubelet/probe.ts";
import type { BusConnector } from "./host/logind/bus.ts";
import { makeBusConnector } from "./host/logind/dbus-native-bus.ts";
import { readDefaultRoutes, type DefaultRoute } from "./host/network/routes.ts";
import { realTime, type Time } from "./host/time.ts";
import type { AgentApi } from "./publisher.ts";
import { readBootAge } from "./release/boot-age.ts";
import { defaultKubeletFiles, type KubeletFiles } from "./runtime/detect/kubelet-endpoint.ts";

export interface AgentWorld {
  readonly time: Time;
  /** Nanoseconds since the epoch by the node's clock, which may be wrong. */
  readonly wallNanos: () => bigint;
  readonly readBootID: () => Promise<BootIDRead>;
  readonly kubelets: KubeletProbe;
  readonly kubeletFiles: KubeletFiles;
  readonly connectBus: BusConnector;
  readonly interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly routes: () => Promise<readonly DefaultRoute[]>;
  readonly readDisks: ReadDisks;
  /** Whose addresses are alive on this node. */
  readonly namespaces: NamespacesWorld;
  /** Of the node; it never steps. */
  readonly uptimeSeconds: () => number;
  /** Milliseconds since this boot began. Rejects if that can't be read. */
  readonly readBootAge: () => Promise<number>;
  /** Undefined: flock(2), as host-local does it. */
  readonly takeNetworkLock?: TakeNetworkLock | undefined;
  /** Rejects if there are no credentials, for one. */
  readonly connectApi: () => Promise<AgentApi>;
  /** As connectApi, for the gate alone: what it is asked must not wait for Events. */
  readonly connectGate: () => Promise<GateApi>;
}

export function realWorld(config: Config, env: NodeJS.ProcessEnv): AgentWorld {
  return {
    time: realTime,
    wallNanos: () => BigInt(Date.now()) * 1_000_000n,
    // The same in every container on a real node; on a machine that is itself one, only its own view tells its boots.
    readBootID: async () => readBootID(join(config.hostRoot, BOOT_ID_FILE)),
    kubelets: makeKubeletProbe(),
    kubeletFiles: defaultKubeletFiles,
    connectBus: makeBusConnector(config.busAddress),
    interfaces: networkInterfaces,
    routes: async () => readDefaultRoutes(),
    readDisks: makeReadDisks(config.hostRoot),
    namespaces: nodeNamespaces(config.hostRoot, realTime),
    uptimeSeconds: uptime,
    readBootAge: async () => readBootAge(config.hostRoot),
    connectApi: async () => {
      const { connectKubeApi } = await import("./kube-api.ts");
      const { kubeconfig, nodeName } = config;
      return connectKubeApi({ env, kubeconfig, nodeName, instance: env["POD_NAME"] ?? hostname() });
    },
    connectGate: async () => {
      const { connectGateApi } = await import("./kube-api.ts");
      const { kubeconfig, nodeName } = config;
      return connectGateApi({ env, kubeconfig, nodeName });
    },
  };
}
