import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { workPaths } from "../config/paths.ts";
import { type ControlRequest } from "../inside/control-request.ts";
import { authorityFiles, type UserSpec, writeTokenKubeconfig, writeUserKubeconfig } from "../pki/users.ts";
import { run, type RunResult, runOrThrow } from "../process/run.ts";
import { askCluster } from "./control-client.ts";
import { type ClusterInfo, infoVariable, readInfo } from "./info.ts";

export interface CommandOptions {
  /** Kubeconfig to use instead of the administrator's. */
  readonly kubeconfig?: string | undefined;
  /** Standard input, such as a manifest for `apply -f -`. */
  readonly input?: string | undefined;
  readonly timeoutMillis?: number | undefined;
}

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Binds the token to a pod, which puts the pod's name and node into the user's extra fields. */
  readonly pod?: string | undefined;
}

/** PEM texts of a client certificate and of the CA that signed the server's. */
export interface HttpsCredentials {
  readonly url: string;
  readonly caPem: string;
  readonly clientCertPem: string;
  readonly clientKeyPem: string;
}

/** Longer than the 300 s that a command here is told to wait at the most. */
const commandTimeoutMillis = 310_000;
const controlTimeoutMillis = 180_000;

/** A running real cluster, as test files use it. Everything throws with the program's own words when it fails. */
export interface Cluster {
  readonly info: ClusterInfo;
  /** Runs kubectl and returns its result whatever the exit code. */
  tryKubectl(args: readonly string[], options?: CommandOptions): Promise<RunResult>;
  /** Runs kubectl, which must succeed; returns its standard output. */
  kubectl(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** Runs helm and returns its result whatever the exit code. */
  tryHelm(args: readonly string[], options?: CommandOptions): Promise<RunResult>;
  /** Runs helm, which must succeed; returns its standard output. */
  helm(args: readonly string[], options?: CommandOptions): Promise<string>;
  /** The API server's own metrics, as text. */
  metrics(): Promise<string>;
  /** A kubeconfig whose client certificate says this user and these groups. */
  userKubeconfig(user: UserSpec): Promise<string>;
  /** What an HTTPS client needs to speak to the API server as the administrator. */
  adminCredentials(): Promise<HttpsCredentials>;
  /** A ServiceAccount token from the API server's TokenRequest. */
  token(request: TokenRequest): Promise<string>;
  /** A kubeconfig with such a token, under a name of your choice. */
  tokenKubeconfig(name: string, request: TokenRequest): Promise<string>;
  /** Creates a Node object without a machine behind it. */
  createFakeNode(name: string, extra?: FakeNodeExtra): Promise<void>;
  /** Imports a docker archive into containerd's k8s.io namespace of every machine. */
  importImage(archive: string): Promise<void>;
  /** Runs a program inside a machine's namespaces, whatever its exit code. */
  exec(machine: string, argv: readonly string[], timeoutMillis?: number): Promise<RunResult>;
  /** Runs a program in the network of the API server, where Service addresses work; whatever its exit code. */
  execBesideApiServer(argv: readonly string[], timeoutMillis?: number): Promise<RunResult>;
  /** Cuts a machine's power: pods, shims, containerd, kubelet, mounts and network end at once. */
  powerOff(machine: string): Promise<void>;
  /** Boots a machine with a new boot id. */
  powerOn(machine: string): Promise<void>;
  stopApiServer(): Promise<void>;
  /**
   * Returns when the API server is ready again. Controllers and scheduler begin anew, as they do where they elect leaders
   * and lost the API server: those that go on watch again after their own waits, and the garbage collector removed what a
   * deleted owner left behind 22, 72, 78 and 83 s late after four stops in a row.
   */
  startApiServer(): Promise<void>;
  /** Stops, kills (SIGKILL) or starts one service of a machine: containerd, kubelet or kube-proxy. */
  service(machine: string, name: string, action: "start" | "stop" | "kill"): Promise<void>;
}

export interface FakeNodeExtra {
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly unschedulable?: boolean | undefined;
}

/** The cluster that `npm run test:cluster` handed to this test file. */
export async function openTestCluster(): Promise<Cluster> {
  const file = process.env[infoVariable];
  if (file === undefined || file === "") {
    throw new Error(`${infoVariable} is not set: run these files with npm run test:cluster`);
  }
  return openCluster(await readInfo(file));
}

/** The handle of a cluster that runs. */
export function openCluster(info: ClusterInfo): Cluster {
  const paths = workPaths(info.workFolder);
  const place = { paths, folder: paths.users, server: info.server };

  const ask = async (request: ControlRequest): ReturnType<typeof askCluster> =>
    askCluster(paths.controlSocket, request, controlTimeoutMillis);

  function command(program: string, args: readonly string[], options: CommandOptions = {}) {
    // helm reads no KUBECONFIG flag before its sub-command in plugins, so the environment carries it for both.
    const env = { KUBECONFIG: options.kubeconfig ?? info.kubeconfig, HOME: info.workFolder };
    const { input, timeoutMillis = commandTimeoutMillis } = options;
    return { argv: [program, ...args] as const, options: { env, input, timeoutMillis } };
  }

  async function attempt(
    program: string,
    args: readonly string[],
    options?: CommandOptions,
  ): Promise<RunResult> {
    const { argv, options: how } = command(program, args, options);
    return run(argv, how);
  }

  async function must(program: string, args: readonly string[], options?: CommandOptions): Promise<string> {
    const { argv, options: how } = command(program, args, options);
    return (await runOrThrow(argv, how)).stdout;
  }

  const kubectl = async (args: readonly string[], options?: CommandOptions): Promise<string> =>
    must(info.kubectl, args, options);

  async function token(request: TokenRequest): Promise<string> {
    const bound =
      request.pod === undefined ? [] : ["--bound-object-kind=Pod", `--bound-object-name=${request.pod}`];
    return (
      await kubectl(["create", "token", request.serviceAccount, "-n", request.namespace, ...bound])
    ).trim();
  }

  async function exec(machine: string | null, argv: readonly string[], timeoutMillis = commandTimeoutMillis) {
    const answer = await askCluster(
      paths.controlSocket,
      { action: "exec", machine, argv, timeoutMillis },
      timeoutMillis + 10_000,
    );
    const { code, stdout, stderr } = answer;
    if (typeof stdout !== "string" || typeof stderr !== "string")
      throw new Error("exec: answer without output");
    return { code: typeof code === "number" ? code : null, stdout, stderr };
  }

  async function importImage(archive: string): Promise<void> {
    for (const machine of info.nodes) {
      const done = await exec(machine, ["ctr", "-n", "k8s.io", "images", "import", archive]);
      if (done.code !== 0) throw new Error(`import ${archive} on ${machine}: ${done.stderr.trim()}`);
    }
  }

  async function createFakeNode(name: string, extra: FakeNodeExtra = {}): Promise<void> {
    const { labels = {}, annotations = {}, unschedulable = false } = extra;
    const spec = unschedulable ? { unschedulable } : {};
    const node = { apiVersion: "v1", kind: "Node", metadata: { name, labels, annotations }, spec };
    await kubectl(["create", "-f", "-"], { input: JSON.stringify(node) });
  }

  async function adminCredentials(): Promise<HttpsCredentials> {
    const read = async (file: string): Promise<string> => readFile(file, "utf8");
    return {
      url: info.server,
      caPem: await read(authorityFiles(paths).certificate),
      clientCertPem: await read(join(paths.users, "admin.crt")),
      clientKeyPem: await read(join(paths.users, "admin.key")),
    };
  }

  return {
    info,
    adminCredentials,
    kubectl,
    token,
    exec,
    importImage,
    createFakeNode,
    execBesideApiServer: async (argv, timeoutMillis) => exec(null, argv, timeoutMillis),
    tryKubectl: async (args, options) => attempt(info.kubectl, args, options),
    tryHelm: async (args, options) => attempt(info.helm, args, options),
    helm: async (args, options) => must(info.helm, args, options),
    metrics: async () => kubectl(["get", "--raw", "/metrics"]),
    userKubeconfig: async (user) => writeUserKubeconfig(place, user),
    tokenKubeconfig: async (name, request) => writeTokenKubeconfig(place, name, await token(request)),
    powerOff: async (machine) => void (await ask({ action: "power-off", machine })),
    powerOn: async (machine) => void (await ask({ action: "power-on", machine })),
    stopApiServer: async () =>
      void (await ask({ action: "stop", machine: null, component: "kube-apiserver" })),
    startApiServer: async () => {
      await ask({ action: "start", machine: null, component: "kube-apiserver" });
      for (const component of ["kube-controller-manager", "kube-scheduler"]) {
        await ask({ action: "stop", machine: null, component });
        await ask({ action: "start", machine: null, component });
      }
    },
    service: async (machine, component, action) => void (await ask({ action, machine, component })),
  };
}
