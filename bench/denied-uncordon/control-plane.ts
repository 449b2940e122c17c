/** etcd and kube-apiserver on free ports of 127.0.0.1, without any node, controller or root. */
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { workPaths } from "../../test/cluster/config/paths.ts";
import { httpsStatus } from "../../test/cluster/inside/https-get.ts";
import { writeClusterPki } from "../../test/cluster/pki/authority.ts";
import { userFileName, writeUserKubeconfig, type UserSpec } from "../../test/cluster/pki/users.ts";
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import type { ApiCredentials } from "../../test/scenarios/api-client.ts";
import { freePorts } from "../process/free-port.ts";
import type { Program } from "../process/program.ts";
import type { Running } from "../process/running.ts";

export interface ControlPlanePrograms {
  readonly etcd: string;
  readonly apiServer: string;
}

export interface ControlPlaneOptions {
  /** Whether etcd waits for the disk, as it does in a cluster; false where nothing that is measured writes. */
  readonly syncsToDisk: boolean;
}

export interface ControlPlane {
  readonly port: number;
  readonly apiServer: Program;
  /** Kills it and starts it again on the same port; returns when it is ready. `apiServer` is then the one that was. */
  restartApiServer(): Promise<void>;
  /** A user by client certificate. */
  user(user: UserSpec): Promise<UserAccess>;
}

export interface UserAccess extends ApiCredentials {
  readonly clientCertPem: string;
  readonly clientKeyPem: string;
  readonly kubeconfig: string;
}

const HOST = "127.0.0.1";
const READY_DEADLINE_MILLIS = 120_000;

/** Returns when the API server says it is ready. */
export async function startControlPlane(
  running: Running,
  programs: ControlPlanePrograms,
  signal: AbortSignal,
  options: ControlPlaneOptions = { syncsToDisk: false },
): Promise<ControlPlane> {
  const paths = workPaths(join(running.folder, "cluster"));
  await mkdir(paths.root);
  await writeClusterPki(paths, [], signal);
  const [port = 0, client = 0, peer = 0] = await freePorts(3);
  const etcd = `http://${HOST}:${client}`;
  await running.start(
    "etcd",
    etcdArgv(programs.etcd, join(paths.root, "etcd"), etcd, `http://${HOST}:${peer}`, options),
  );
  const argv = apiServerArgv(programs.apiServer, paths.pki, port, etcd);
  const apiServer = await running.start("kube-apiserver", argv);
  const url = `https://${HOST}:${port}`;
  const caPem = await readFile(join(paths.pki, "ca.crt"), "utf8");
  const ready = async () => {
    const status = await httpsStatus(`${url}/readyz`, { ca: caPem, timeoutMillis: 5_000 });
    return status === 200
      ? ({ done: true, value: undefined } as const)
      : ({ done: false, seen: `status ${status}` } as const);
  };
  const wait = { deadlineMillis: READY_DEADLINE_MILLIS, intervalMillis: 100, signal };
  const untilReady = async (): Promise<void> => running.during(waitFor("the API server", ready, wait));
  await untilReady();
  let current = apiServer;
  return {
    port,
    apiServer,
    async restartApiServer() {
      await current.stop();
      current = await running.start("kube-apiserver", argv);
      await untilReady();
    },
    async user(user) {
      const kubeconfig = await writeUserKubeconfig({ paths, folder: paths.users, server: url }, user, signal);
      const read = async (kind: string): Promise<string> =>
        readFile(join(paths.users, `${userFileName(user.name)}.${kind}`), "utf8");
      return { url, caPem, kubeconfig, clientCertPem: await read("crt"), clientKeyPem: await read("key") };
    },
  };
}

function etcdArgv(
  program: string,
  dataFolder: string,
  client: string,
  peer: string,
  { syncsToDisk }: ControlPlaneOptions,
) {
  return [
    program,
    `--data-dir=${dataFolder}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    // What is written may be lost with the folder.
    ...(syncsToDisk ? [] : ["--unsafe-no-fsync"]),
    "--log-level=warn",
  ] as const;
}

function apiServerArgv(program: string, pki: string, port: number, etcd: string) {
  return [
    program,
    `--bind-address=${HOST}`,
    `--advertise-address=${HOST}`,
    // Loopback is no address for the Service `kubernetes`, which nothing uses here.
    "--endpoint-reconciler-type=none",
    `--secure-port=${port}`,
    `--etcd-servers=${etcd}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--enable-admission-plugins=NodeRestriction",
    `--client-ca-file=${join(pki, "ca.crt")}`,
    `--tls-cert-file=${join(pki, "apiserver.crt")}`,
    `--tls-private-key-file=${join(pki, "apiserver.key")}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${join(pki, "service-accounts.key")}`,
    `--service-account-signing-key-file=${join(pki, "service-accounts.key")}`,
  ] as const;
}
