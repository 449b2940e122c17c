/**
 * What the agent asks of a container runtime, whichever it is: CRI v1 over gRPC (containerd, CRI-O, cri-dockerd) or the
 * Docker Engine API. Times are nanoseconds since the epoch as the runtime gave them, exact (64 bits, never rounded).
 */

/** `unrecognized`: a value of the enum that this program does not know. Leave such a thing alone. */
export type ContainerState = "created" | "running" | "exited" | "unknown" | "unrecognized";

export type SandboxState = "ready" | "not-ready" | "unrecognized";

/** The pod as the runtime knows it, by kubelet's labels. Absent where a label is absent: not a Kubernetes container. */
export interface PodLabels {
  /** `io.kubernetes.pod.uid`; of a static pod its config hash. */
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
}

export interface SandboxSummary {
  readonly id: string;
  readonly pod: PodLabels | undefined;
  readonly attempt: number;
  readonly state: SandboxState;
  readonly createdAtNanos: bigint;
}

export interface ContainerSummary {
  readonly id: string;
  readonly sandboxID: string;
  readonly pod: PodLabels | undefined;
  /** The container's name within its pod. */
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  /** 0 when the runtime lost it (containerd: zero-byte status file); may lie in the future after a clock step. */
  readonly createdAtNanos: bigint;
}

/**
 * One container read again, just before something is done to it. Without its sandbox, which CRI's ContainerStatus does
 * not name; a container never changes its sandbox, so the list's answer holds. Its date may be better than the list's,
 * so do not compare the two: cri-dockerd's list has whole seconds (rounded down), containerd's has 0 where the status
 * file was lost.
 */
export type ContainerReading = Omit<ContainerSummary, "sandboxID">;

/** Why a call failed, so far as it changes what to do next. */
export type RuntimeFailureKind =
  /** Nothing answers on the socket, or it broke off. */
  | "unavailable"
  /** No answer within the deadline, or the caller's signal ended the call. */
  | "deadline"
  /** It answers, but does not have this method: its CRI is switched off, or it is not what it was taken for. */
  | "unimplemented"
  /** It speaks nothing but a protocol from before CRI v1. */
  | "too-old"
  /** The runtime is at it: starting or removing the same container. */
  | "busy"
  | "not-found"
  /** It answered with something that this interface can't be: wrong types, missing fields. */
  | "nonsense"
  | "other";

/** Thrown (rejected) by every method of `ContainerRuntime` but removeContainer. The message names runtime, socket, method and cause. */
export class RuntimeError extends Error {
  override readonly name = "RuntimeError";
  readonly kind: RuntimeFailureKind;

  constructor(kind: RuntimeFailureKind, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.kind = kind;
  }
}

export interface RuntimeVersion {
  /** As it names itself: `containerd`, `cri-o`, `docker`. */
  readonly name: string;
  readonly version: string;
}

/** What of the runtime itself is ready; `message` in its own words. */
export interface RuntimeConditions {
  readonly runtimeReady: boolean;
  readonly networkReady: boolean;
  readonly message: string | undefined;
}

/**
 * Removed, or why not. A container that was gone already is `gone`, whoever removed it; CRI runtimes answer OK for an id
 * that they do not know, so there it may be `removed` as well.
 */
export type RemoveResult =
  | { readonly kind: "removed" }
  | { readonly kind: "gone" }
  /** It runs, or the runtime is at it: ask again later. */
  | { readonly kind: "busy"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string; readonly cause: RuntimeError };

/**
 * `stopped` also for a sandbox that was stopped already, whose network the runtime then tears down once more
 * (facts/node-observed.md 1), and for an id that CRI does not know.
 */
export type StopResult =
  | { readonly kind: "stopped" }
  /** The runtime has no such call: Docker's Engine API. */
  | { readonly kind: "unsupported"; readonly message: string }
  | { readonly kind: "failed"; readonly message: string; readonly cause: RuntimeError };

/** Every call has its own deadline, and ends early (`deadline`) when `signal` fires. */
export interface ContainerRuntime {
  /** For people and logs: `containerd at /run/containerd/containerd.sock`. */
  readonly label: string;
  /** True if removeContainer can't kill: the runtime itself refuses to remove what runs. Absent: it may kill. */
  readonly refusesRunning?: boolean;
  version(signal: AbortSignal): Promise<RuntimeVersion>;
  conditions(signal: AbortSignal): Promise<RuntimeConditions>;
  listSandboxes(signal: AbortSignal): Promise<readonly SandboxSummary[]>;
  listContainers(signal: AbortSignal): Promise<readonly ContainerSummary[]>;
  /** One container as it is now, undefined if there is none of that id. */
  containerState(id: string, signal: AbortSignal): Promise<ContainerReading | undefined>;
  /**
   * Never rejects. Removes a container that does not run. Its caller has read its state just before; where the runtime itself refuses
   * to remove a running one (Docker without force), that is used as well.
   */
  removeContainer(id: string, signal: AbortSignal): Promise<RemoveResult>;
  /** Never rejects. Kills what runs in it: its caller has read just before that it is NOTREADY. */
  stopSandbox(id: string, signal: AbortSignal): Promise<StopResult>;
  /** Lets go of the connection; the runtime object can't be used afterwards. */
  close(): void;
}
