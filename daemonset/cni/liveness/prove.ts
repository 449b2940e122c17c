/** Asks everything that could know of a living sandbox. One question without an answer, and nothing is proven. */
import type { OwnPod } from "../../containers/settings.ts";
import { reasonOf } from "../../host/reason.ts";
import type { EndpointReport } from "../../runtime/detect/describe.ts";
import type { CurrentRuntime } from "../../runtime/detect/watch.ts";
import type { SandboxSummary } from "../../runtime/runtime.ts";
import { idsOnDisk } from "./known-elsewhere.ts";
import { readLiveNamespaces, type NamespacesWorld } from "./live-namespaces.ts";
import type { AskedRuntime, Liveness, ProveLiveness } from "./liveness.ts";
import { askOwnServices } from "./own-services.ts";

export interface ProveOptions {
  /** The runtimes that there are, and those that should be and don't answer. */
  readonly watch: {
    current(): readonly CurrentRuntime[];
    describe(): readonly EndpointReport[];
  };
  /** `none` is a person at work: then a network must hold a lease of a READY sandbox, which the decision asks for. */
  readonly own: OwnPod;
  readonly hostRoot: string;
  readonly namespaces: NamespacesWorld;
  /** For the whole proof. Defaults to 15_000. */
  readonly timeoutMillis?: number;
}

const TIMEOUT_MILLIS = 15_000;

interface RuntimeAnswer {
  readonly asked: AskedRuntime;
  readonly sandboxes: readonly SandboxSummary[];
  readonly ids: ReadonlySet<string>;
}

export function makeProveLiveness(options: ProveOptions): ProveLiveness {
  return async (signal) => {
    try {
      const limit = AbortSignal.timeout(options.timeoutMillis ?? TIMEOUT_MILLIS);
      return await prove(options, AbortSignal.any([signal, limit]));
    } catch (thrown) {
      return unproven(reasonOf(thrown));
    }
  };
}

async function prove(options: ProveOptions, signal: AbortSignal): Promise<Liveness> {
  const { watch, own, hostRoot } = options;
  if (own.kind === "unknown")
    return unproven("own pod is not known; set POD_UID, or by-hand outside of pods");
  const runtimes = watch.current();
  const missed = watch.describe().find(({ ok }) => !ok);
  if (missed !== undefined) return unproven(missed.line);
  if (runtimes.length === 0) return unproven("no container runtime has answered");
  const [answers, namespaces, onDisk] = await Promise.all([
    Promise.all(runtimes.map(async (runtime) => ask(runtime, signal))),
    readLiveNamespaces(options.namespaces, signal),
    idsOnDisk(hostRoot),
  ]);
  const all = answers.flatMap(({ sandboxes }) => sandboxes);
  if (own.kind === "pod" && !all.some(({ pod, state }) => pod?.uid === own.uid && state === "ready")) {
    // An empty list of a wrong or new runtime would free every address (aws/amazon-vpc-cni-k8s#711).
    return unproven(
      `no runtime lists a READY sandbox of the agent's own pod ${own.uid}: it is not kubelet's`,
    );
  }
  return {
    kind: "proven",
    sandboxes: new Map(all.map((sandbox) => [sandbox.id, sandbox])),
    otherIDs: new Set([...answers.flatMap(({ ids }) => [...ids]), ...onDisk]),
    addresses: namespaces.addresses,
    namespacePaths: namespaces.paths,
    runtimes: answers.map(({ asked }) => asked),
    ownedBy: own.kind === "pod" ? "own-pod" : "ready-lease-needed",
  };
}

async function ask(current: CurrentRuntime, signal: AbortSignal): Promise<RuntimeAnswer> {
  const { runtime, hostPath, connection } = current;
  // Asked again: another version may listen there by now.
  const [{ name, version }, sandboxes, ids] = await Promise.all([
    runtime.version(signal),
    runtime.listSandboxes(signal),
    connection === undefined ? new Set<string>() : askOwnServices(connection, signal),
  ]).catch((cause: unknown) => {
    throw new Error(`${runtime.label} does not tell what is alive`, { cause });
  });
  return { asked: { name, version, hostPath }, sandboxes, ids };
}

function unproven(reason: string): Liveness {
  return { kind: "unproven", reason };
}
