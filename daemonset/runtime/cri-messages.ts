/** What of CRI v1's messages the agent reads. Field numbers: kubernetes/cri-api pkg/apis/runtime/v1/api.proto. */
import type {
  ContainerReading,
  ContainerState,
  ContainerSummary,
  PodLabels,
  RuntimeConditions,
  RuntimeVersion,
  SandboxState,
  SandboxSummary,
} from "./runtime.ts";
import { inOneLine } from "./in-words.ts";
import { Message } from "./wire/message.ts";
import { NonsenseError } from "./wire/nonsense.ts";

const POD_UID = "io.kubernetes.pod.uid";
const POD_NAMESPACE = "io.kubernetes.pod.namespace";
const POD_NAME = "io.kubernetes.pod.name";
const podKeys: ReadonlySet<string> = new Set([POD_UID, POD_NAMESPACE, POD_NAME]);

/** VersionResponse. @throws NonsenseError */
export function readVersion(bytes: Buffer): RuntimeVersion {
  const answer = new Message("VersionResponse", bytes);
  return { name: required(answer, 2, "runtime_name"), version: required(answer, 3, "runtime_version") };
}

/** StatusResponse. @throws NonsenseError */
export function readConditions(bytes: Buffer): RuntimeConditions {
  const conditions = new Message("StatusResponse", bytes).message(1)?.messages(1) ?? [];
  const isReady = (type: string): boolean =>
    conditions.some((condition) => condition.string(1) === type && condition.bool(2));
  const complaints = conditions
    .filter((condition) => !condition.bool(2))
    .map((condition) => `${condition.string(1)}: ${condition.string(4) || condition.string(3)}`);
  return {
    runtimeReady: isReady("RuntimeReady"),
    networkReady: isReady("NetworkReady"),
    message: complaints.length === 0 ? undefined : inOneLine(complaints.join("; ")),
  };
}

/** ListPodSandboxResponse. @throws NonsenseError */
export function readSandboxes(bytes: Buffer): readonly SandboxSummary[] {
  return new Message("ListPodSandboxResponse", bytes).mapMessages(1, (sandbox) => ({
    id: required(sandbox, 1, "id"),
    pod: podOf(sandbox, 2, 5),
    attempt: sandbox.message(2)?.uint32(4) ?? 0,
    state: sandboxState(sandbox.int32(3)),
    createdAtNanos: sandbox.int64(4),
  }));
}

/** ListContainersResponse. @throws NonsenseError */
export function readContainers(bytes: Buffer): readonly ContainerSummary[] {
  return new Message("ListContainersResponse", bytes).mapMessages(1, (container) => {
    const createdAtNanos = container.int64(7);
    return {
      id: required(container, 1, "id"),
      sandboxID: required(container, 2, "pod_sandbox_id"),
      pod: podOf(container, 3, 8),
      name: container.message(3)?.string(1) ?? "",
      attempt: container.message(3)?.uint32(2) ?? 0,
      state: plausible(containerState(container.int32(6)), createdAtNanos !== 0n),
      createdAtNanos,
    };
  });
}

/** ContainerStatusResponse about `id`. @throws NonsenseError also if it is about another container. */
export function readContainerStatus(bytes: Buffer, id: string): ContainerReading {
  const status = new Message("ContainerStatusResponse", bytes).message(1);
  if (status === undefined) throw new NonsenseError("ContainerStatusResponse: no status");
  const answered = required(status, 1, "id");
  if (answered !== id) {
    throw new NonsenseError(
      `ContainerStatusResponse: asked about ${id}, answered about ${inOneLine(answered)}`,
    );
  }
  const createdAtNanos = status.int64(4);
  const everRan = status.int64(5) !== 0n || status.int64(6) !== 0n;
  return {
    id,
    pod: podOf(status, 2, 12),
    name: status.message(2)?.string(1) ?? "",
    attempt: status.message(2)?.uint32(2) ?? 0,
    state: plausible(containerState(status.int32(3)), createdAtNanos !== 0n && !everRan),
    createdAtNanos,
  };
}

/**
 * CREATED is 0, so a sender that left the state out, or lost it, says CREATED. A container that was truly created, and
 * no more, has a date of creation and none of a start; where that is not so (`fits` is false) nobody knows its state.
 */
function plausible(state: ContainerState, fits: boolean): ContainerState {
  return state === "created" && !fits ? "unrecognized" : state;
}

function containerState(value: number): ContainerState {
  switch (value) {
    case 0:
      return "created";
    case 1:
      return "running";
    case 2:
      return "exited";
    case 3:
      return "unknown";
    default:
      return "unrecognized";
  }
}

/** Here 0 is READY, the value that makes the agent wait: nothing to guard against. */
function sandboxState(value: number): SandboxState {
  if (value === 0) return "ready";
  return value === 1 ? "not-ready" : "unrecognized";
}

/** Without metadata its attempt and name would be guesses: not taken for kubelet's either. */
function podOf(message: Message, metadataField: number, labelsField: number): PodLabels | undefined {
  if (!message.has(metadataField)) return undefined;
  const labels = message.entries(labelsField, podKeys);
  const uid = labels.get(POD_UID) ?? "";
  const namespace = labels.get(POD_NAMESPACE) ?? "";
  const name = labels.get(POD_NAME) ?? "";
  return uid === "" || namespace === "" || name === "" ? undefined : { uid, namespace, name };
}

function required(message: Message, field: number, what: string): string {
  const value = message.string(field);
  if (value === "") throw new NonsenseError(`${message.name}: no ${what}`);
  return value;
}
