/** A Pod as far as the gate cares: does it still have work on a node that is about to reboot? */

export interface GatePod {
  readonly namespace: string;
  readonly name: string;
  /** Kind of the owner with `controller: true`, "" if there is none. */
  readonly controllerKind: string;
  /** The API's picture of a static pod, which no drain can remove. */
  readonly mirror: boolean;
  /** status.phase, "" if not reported. */
  readonly phase: string;
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
  const on = text(fields(pod["spec"], `${where}.spec`)["nodeName"], `${where}.spec.nodeName`);
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
  };
}

/**
 * Whether it must be gone before a reboot. The same rule as `kubectl drain --ignore-daemonsets` (kubernetes:
 * staging/src/k8s.io/kubectl/pkg/drain/filters.go): pods of a DaemonSet and mirror pods can't be drained, finished
 * ones have nothing to lose. A terminating pod still runs.
 */
export function mustLeave({ controllerKind, mirror, phase }: GatePod): boolean {
  if (mirror || controllerKind === "DaemonSet") return false;
  return phase !== "Succeeded" && phase !== "Failed";
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
