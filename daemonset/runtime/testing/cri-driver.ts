/** What a kubelet does to a runtime, as far as tests need it: makes sandboxes and containers in a chosen state. */
import { connectGrpc } from "../grpc.ts";
import { criPath, decodeResponse, encodeRequest, type CriMethod } from "./cri-codec.ts";
import { textAt } from "./shape.ts";

export interface TestPod {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

export interface TestContainer {
  readonly name: string;
  readonly attempt: number;
  /** Defaults to sleeping for a long time. */
  readonly command?: readonly string[];
  /** False leaves out kubelet's labels. Defaults to true. */
  readonly labelled?: boolean;
  /** A path of the host, bound over /mnt; the runtime makes it if it is not there. */
  readonly mountSource?: string;
}

export interface CriDriver {
  /** Any call, fields as in cri.proto. */
  call(method: CriMethod, request: object): Promise<object>;
  /** A sandbox in the host's network (no CNI); gives its id. */
  runSandbox(pod: TestPod, attempt: number): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  removeSandbox(id: string): Promise<void>;
  /** Creates and does not start. */
  createContainer(sandboxID: string, pod: TestPod, container: TestContainer): Promise<string>;
  startContainer(id: string): Promise<void>;
  stopContainer(id: string): Promise<void>;
  close(): void;
}

export interface CriDriverOptions {
  readonly socketPath: string;
  /** Image of the containers. */
  readonly image: string;
  /** Parent cgroup of all that is made; the runtime's own choice if absent. */
  readonly cgroupParent?: string;
  /** When it gives a call up. Defaults to 60_000. */
  readonly callMillis?: number;
}

/** NamespaceMode NODE: the host's. */
const NODE = 2;
const CALL_MILLIS = 60_000;

export function openCriDriver(options: CriDriverOptions): CriDriver {
  const connection = connectGrpc(options.socketPath);
  const never = new AbortController().signal;

  async function call(method: CriMethod, request: object): Promise<object> {
    const bytes = encodeRequest(method, request);
    const answer = await connection.call({
      method: criPath(method),
      request: bytes,
      deadlineMillis: options.callMillis ?? CALL_MILLIS,
      signal: never,
    });
    return decodeResponse(method, answer);
  }

  const attempts = new Map<string, number>();

  function sandboxConfig(pod: TestPod, attempt: number): object {
    return {
      metadata: { ...pod, attempt },
      labels: { ...podLabels(pod), app: "test" },
      annotations: { "kubernetes.io/config.source": "api" },
      linux: {
        cgroup_parent: options.cgroupParent ?? "",
        security_context: { namespace_options: { network: NODE } },
      },
    };
  }

  return {
    call,
    runSandbox: async (pod, attempt) => {
      const answer = await call("RunPodSandbox", { config: sandboxConfig(pod, attempt) });
      const id = textAt(answer, "pod_sandbox_id");
      attempts.set(id, attempt);
      return id;
    },
    stopSandbox: async (id) => {
      await call("StopPodSandbox", { pod_sandbox_id: id });
    },
    removeSandbox: async (id) => {
      await call("RemovePodSandbox", { pod_sandbox_id: id });
    },
    createContainer: async (sandboxID, pod, container) => {
      const labels = { ...podLabels(pod), "io.kubernetes.container.name": container.name };
      const config = {
        metadata: { name: container.name, attempt: container.attempt },
        image: { image: options.image },
        command: container.command ?? ["/bin/sleep", "3600"],
        mounts:
          container.mountSource === undefined
            ? []
            : [{ container_path: "/mnt", host_path: container.mountSource }],
        labels: container.labelled === false ? {} : labels,
        annotations: { "io.kubernetes.container.restartCount": String(container.attempt) },
        linux: { security_context: { namespace_options: { network: NODE } } },
      };
      const answer = await call("CreateContainer", {
        pod_sandbox_id: sandboxID,
        config,
        sandbox_config: sandboxConfig(pod, attempts.get(sandboxID) ?? 0),
      });
      return textAt(answer, "container_id");
    },
    startContainer: async (id) => {
      await call("StartContainer", { container_id: id });
    },
    stopContainer: async (id) => {
      await call("StopContainer", { container_id: id, timeout: "0" });
    },
    close: () => connection.close(),
  };
}

function podLabels(pod: TestPod): Record<string, string> {
  return {
    "io.kubernetes.pod.uid": pod.uid,
    "io.kubernetes.pod.namespace": pod.namespace,
    "io.kubernetes.pod.name": pod.name,
  };
}
