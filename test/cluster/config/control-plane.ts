import { join } from "node:path";
import type { Argv } from "../process/run.ts";
import { apiPort, controlPlaneAddress, podRange, serviceRange } from "./addresses.ts";
import type { WorkPaths } from "./paths.ts";

/** Paths of the programs that make a control plane. */
export interface ControlPlanePrograms {
  readonly etcd: string;
  readonly apiServer: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly kubeProxy: string;
}

export function etcdArgv(program: string, paths: WorkPaths): Argv {
  return [
    program,
    `--data-dir=${join(paths.state, "etcd")}`,
    "--listen-client-urls=http://127.0.0.1:2379",
    "--advertise-client-urls=http://127.0.0.1:2379",
    "--listen-peer-urls=http://127.0.0.1:2380",
    "--initial-advertise-peer-urls=http://127.0.0.1:2380",
    "--initial-cluster=default=http://127.0.0.1:2380",
    // The data lies in memory and dies with the cluster: waiting for a disk would prove nothing.
    "--unsafe-no-fsync",
    "--log-level=warn",
  ];
}

export function apiServerArgv(program: string, paths: WorkPaths): Argv {
  const pki = (file: string): string => join(paths.pki, file);
  return [
    program,
    `--advertise-address=${controlPlaneAddress}`,
    `--secure-port=${apiPort}`,
    "--etcd-servers=http://127.0.0.1:2379",
    `--service-cluster-ip-range=${serviceRange}`,
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
    `--client-ca-file=${pki("ca.crt")}`,
    `--tls-cert-file=${pki("apiserver.crt")}`,
    `--tls-private-key-file=${pki("apiserver.key")}`,
    `--kubelet-client-certificate=${pki("apiserver-kubelet-client.crt")}`,
    `--kubelet-client-key=${pki("apiserver-kubelet-client.key")}`,
    "--kubelet-preferred-address-types=InternalIP",
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${pki("service-accounts.key")}`,
    `--service-account-signing-key-file=${pki("service-accounts.key")}`,
  ];
}

export function controllerManagerArgv(program: string, paths: WorkPaths): Argv {
  return [
    program,
    `--kubeconfig=${join(paths.config, "system_kube-controller-manager.kubeconfig")}`,
    `--root-ca-file=${join(paths.pki, "ca.crt")}`,
    `--service-account-private-key-file=${join(paths.pki, "service-accounts.key")}`,
    `--cluster-signing-cert-file=${join(paths.pki, "ca.crt")}`,
    `--cluster-signing-key-file=${join(paths.pki, "ca.key")}`,
    `--cluster-cidr=${podRange}`,
    "--use-service-account-credentials",
    "--leader-elect=false",
  ];
}

export function schedulerArgv(program: string, paths: WorkPaths): Argv {
  return [
    program,
    `--kubeconfig=${join(paths.config, "system_kube-scheduler.kubeconfig")}`,
    "--leader-elect=false",
  ];
}

/** kube-proxy for one network namespace; the control plane has its own, so that webhooks are reached by ClusterIP. */
export function kubeProxyArgv(program: string, paths: WorkPaths, nodeName: string): Argv {
  return [program, `--config=${join(paths.config, "kube-proxy.json")}`, `--hostname-override=${nodeName}`];
}

/** The content of kube-proxy.json. */
export function kubeProxyConfig(paths: WorkPaths): object {
  return {
    apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
    kind: "KubeProxyConfiguration",
    mode: "nftables",
    clusterCIDR: podRange,
    clientConnection: { kubeconfig: join(paths.config, "system_kube-proxy.kubeconfig") },
    // The conntrack table's size belongs to the machine, which is not ours to tune.
    conntrack: { maxPerCore: 0 },
  };
}
