/** A Pod as far as the gate cares: does it still have work on a node that is about to reboot? */
import { parseTime } from "./record.ts";

export interface GatePod {
  readonly namespace: string;
  readonly name: string;
  /** Kind of the owner with `controller: true`, "" if there is none. */
  readonly controllerKind: string;
  /** The API's picture of a static pod, which no drain can remove. */
  readonly mirror: boolean;
  /** status.phase, "" if not reported. */
  readonly phase: string;
  /**
   * Since when it is on its node, epoch milliseconds by the API server's clock: when it was bound, or where that is not
   * known when it was created. A replica that waited for room is older than its time here.
   */
  readonly boundMillis: number;
  /** It may be scheduled to a cordoned node, as Nodelatch's own webhook has to be. */
  readonly toleratesCordon: boolean;
}

/** The kubelet sets it on the picture of each static pod (kubernetes: pkg/kubelet/types/constants.go). */
const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";

/**
 * Reads one item of a list of pods that was asked for by `spec.nodeName`.
 * @throws TypeError naming the field, if a field that decides has another type or the pod is on another node: the list
 * is then not the one that was asked for, and nothing may be concluded from it.
 */
export function parseGatePod(raw: unknown, nodeName: string, where: string): GatePod {
  const pod = fields(raw, where);
  const metadata = fields(pod["metadata"], `${where}.metadata`);
  const name = text(metadata["name"], `${where}.metadata.name`);
  const spec = fields(pod["spec"], `${where}.spec`);
  const on = text(spec["nodeName"], `${where}.spec.nodeName`);
  if (on !== nodeName) {
    throw new TypeError(
      `${where}.spec.nodeName: expected ${JSON.stringify(nodeName)}, got ${JSON.stringify(on)}`,
    );
  }
  const annotations = optionalFields(metadata["annotations"], `${where}.metadata.annotations`);
  const status = optionalFields(pod["status"], `${where}.status`);
  return {
    namespace: text(metadata["namespace"], `${where}.metadata.namespace`),
    name,
    controllerKind: controllerKind(metadata["ownerReferences"], `${where}.metadata.ownerReferences`),
    mirror: annotations !== undefined && Object.hasOwn(annotations, MIRROR_ANNOTATION),
    phase: text(status?.["phase"] ?? "", `${where}.status.phase`),
    boundMillis: time(
      scheduledAt(status?.["conditions"]) ?? metadata["creationTimestamp"],
      `${where}.metadata.creationTimestamp`,
    ),
    toleratesCordon: toleratesCordon(spec["tolerations"], `${where}.spec.tolerations`),
  };
}

/**
 * Whether it must be gone before a reboot. The same rule as `kubectl drain --ignore-daemonsets` (kubernetes:
 * staging/src/k8s.io/kubectl/pkg/drain/filters.go): pods of a DaemonSet and mirror pods can't be drained, finished
 * ones have nothing to lose. A terminating pod still runs. A pod that tolerates the cordon and came after it stays as
 * well: a drain waits for the pods that it found, and the next one would come back too. On the only node of a cluster
 * the webhook's own does, always. Both times have whole seconds, and a quick drain is over within the lock's own.
 * @param lockedMillis when the lock was taken.
 */
export function mustLeave(pod: GatePod, lockedMillis: number): boolean {
  const { controllerKind, mirror, phase } = pod;
  if (mirror || controllerKind === "DaemonSet") return false;
  if (phase === "Succeeded" || phase === "Failed") return false;
  return !(pod.toleratesCordon && pod.boundMillis >= lockedMillis);
}

function controllerKind(raw: unknown, where: string): string {
  if (raw === undefined || raw === null) return "";
  if (!Array.isArray(raw)) throw new TypeError(`${where}: expected a list, got ${typeof raw}`);
  for (const [index, entry] of raw.entries()) {
    const owner = fields(entry, `${where}[${index}]`);
    if (owner["controller"] === true) return text(owner["kind"], `${where}[${index}].kind`);
  }
  return "";
}

/** By the rules of kubernetes: staging/src/k8s.io/api/core/v1/toleration.go, for the taint of a cordon. */
function toleratesCordon(raw: unknown, where: string): boolean {
  if (raw === undefined || raw === null) return false;
  if (!Array.isArray(raw)) throw new TypeError(`${where}: expected a list, got ${typeof raw}`);
  return raw.some((entry: unknown, index) => {
    const { key = "", operator = "Equal", value = "", effect = "" } = fields(entry, `${where}[${index}]`);
    if (effect !== "" && effect !== "NoSchedule") return false;
    if (key === "") return operator === "Exists";
    if (key !== "node.kubernetes.io/unschedulable") return false;
    // The taint's value is empty.
    return operator === "Exists" || value === "";
  });
}

/** The API server sets it as it binds (kubernetes: pkg/registry/core/pod/storage/storage.go). */
function scheduledAt(conditions: unknown): string | undefined {
  if (!Array.isArray(conditions)) return undefined;
  for (const entry of conditions) {
    const { type, status, lastTransitionTime } = optionalFields(entry, "a condition") ?? {};
    if (type !== "PodScheduled" || status !== "True") continue;
    return typeof lastTransitionTime === "string" ? lastTransitionTime : undefined;
  }
  return undefined;
}

function time(value: unknown, where: string): number {
  const millis = parseTime(text(value, where));
  if (millis === undefined) throw new TypeError(`${where}: expected a time, got ${JSON.stringify(value)}`);
  return millis;
}

function fields(value: unknown, where: string): Record<string, unknown> {
  const found = optionalFields(value, where);
  if (found === undefined) throw new TypeError(`${where}: expected an object, got nothing`);
  return found;
}

function optionalFields(value: unknown, where: string): Record<string, unknown> | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object" && !Array.isArray(value)) return { ...value };
  throw new TypeError(`${where}: expected an object, got ${Array.isArray(value) ? "a list" : typeof value}`);
}

function text(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw new TypeError(`${where}: expected a string, got ${value === null ? "null" : typeof value}`);
}
