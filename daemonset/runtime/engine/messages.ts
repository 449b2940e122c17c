/** Docker's JSON read as containers of kubelet's, by the labels and names of dockershim and cri-dockerd. */
import { NonsenseError } from "../wire/nonsense.ts";
import type { ContainerReading, ContainerState, PodLabels, SandboxState } from "../runtime.ts";
import { nanosOf } from "./created-at.ts";
import { negotiate, type Negotiation } from "./api-version.ts";

/** One of `GET /containers/json`, with its date still in whole seconds. */
export interface ListedContainer {
  readonly id: string;
  readonly pod: PodLabels | undefined;
  readonly name: string;
  readonly attempt: number;
  readonly sandboxID: string;
  /** Docker's own word, e.g. `exited`. */
  readonly state: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** `GET /version`. @throws NonsenseError */
export function readEngineVersion(body: unknown): { version: string; api: Negotiation } {
  const fields = object(body, "version");
  const oldest = fields["MinAPIVersion"];
  return {
    version: text(fields, "Version", "version"),
    api: negotiate(text(fields, "ApiVersion", "version"), typeof oldest === "string" ? oldest : undefined),
  };
}

/** `GET /containers/json`. @throws NonsenseError */
export function readList(body: unknown): readonly ListedContainer[] {
  if (!Array.isArray(body)) throw new NonsenseError("container list: not a list");
  return body.map((item: unknown) => {
    const fields = object(item, "container");
    const names = fields["Names"];
    const name = Array.isArray(names)
      ? names.find((candidate: unknown) => isKubeletName(candidate))
      : undefined;
    return {
      id: text(fields, "Id", "container"),
      ...identity(name, fields["Labels"]),
      state: text(fields, "State", "container"),
    };
  });
}

/** `GET /containers/{id}/json`. @throws NonsenseError also if it is about another container. */
export function readInspect(body: unknown, id: string): ContainerReading {
  const fields = object(body, "container");
  const answered = text(fields, "Id", "container");
  if (answered !== id) throw new NonsenseError(`container: asked about ${id}, answered about ${answered}`);
  const created = text(fields, "Created", "container");
  const createdAtNanos = nanosOf(created);
  if (createdAtNanos === undefined) throw new NonsenseError(`container: Created is no date: ${created}`);
  const config = object(fields["Config"], "container Config");
  const { sandboxID: _, ...named } = identity(fields["Name"], config["Labels"]);
  return { id, ...named, state: inspectedState(object(fields["State"], "container State")), createdAtNanos };
}

/** As dockershim tells kubelet, but what is in between two states is left alone. */
export function containerState(word: string): ContainerState {
  switch (word) {
    case "created":
      return "created";
    case "running":
    case "paused":
      return "running";
    case "exited":
      return "exited";
    case "dead":
      return "unknown";
    default:
      return "unrecognized";
  }
}

const sandboxStates: ReadonlyMap<string, SandboxState> = new Map([
  ["running", "ready"],
  ["paused", "ready"],
  ["created", "not-ready"],
  ["exited", "not-ready"],
  ["dead", "not-ready"],
]);

export function sandboxState(word: string): SandboxState {
  return sandboxStates.get(word) ?? "unrecognized";
}

/** `created` must also say that it does not run and never did. */
function inspectedState(state: Fields): ContainerState {
  const read = containerState(text(state, "Status", "container State"));
  if (read !== "created") return read;
  const neverRan = state["Running"] === false && nanosOf(text(state, "StartedAt", "container State")) === 0n;
  return neverRan ? "created" : "unrecognized";
}

/** Name, attempt and pod; no pod unless name and labels are there and agree. */
function identity(name: unknown, labels: unknown): Omit<ListedContainer, "id" | "state"> {
  const label = (key: string): string => {
    const value = typeof labels === "object" && labels !== null ? Object.entries(labels) : [];
    const found: unknown = value.find(([candidate]) => candidate === key)?.[1];
    return typeof found === "string" ? found : "";
  };
  const pod = {
    uid: label("io.kubernetes.pod.uid"),
    namespace: label("io.kubernetes.pod.namespace"),
    name: label("io.kubernetes.pod.name"),
  };
  const isSandbox = label("io.kubernetes.docker.type") === "podsandbox";
  const own = isSandbox ? "POD" : label("io.kubernetes.container.name");
  const attempt = attemptIn(name, [own, pod.name, pod.namespace, pod.uid]);
  return {
    pod: attempt === undefined ? undefined : pod,
    name: own,
    attempt: attempt ?? 0,
    sandboxID: label("io.kubernetes.sandbox.id"),
  };
}

function isKubeletName(name: unknown): name is string {
  return typeof name === "string" && name.startsWith("/k8s_");
}

/** From `/k8s_CONTAINER_POD_NAMESPACE_UID_ATTEMPT`, with a random suffix after a conflict of names. */
function attemptIn(name: unknown, expected: readonly string[]): number | undefined {
  if (!isKubeletName(name) || expected.includes("")) return undefined;
  const [, ...parts] = name.split("_");
  const attempt = parts[expected.length] ?? "";
  const agrees = expected.every((part, index) => parts[index] === part);
  return agrees && /^\d{1,9}$/.test(attempt) ? Number(attempt) : undefined;
}

function object(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new NonsenseError(`${what}: not an object`);
  }
  return Object.fromEntries(Object.entries(value));
}

function text(fields: Fields, key: string, what: string): string {
  const value = fields[key];
  if (typeof value === "string" && value !== "") return value;
  throw new NonsenseError(`${what}: ${key} is ${value === undefined ? "missing" : "no text"}`);
}
