/** Everything that diagnose looks at, read once. What may not be read, or is not there, is unknown; only the jobs must be. */
import { apiPath, type KubeConnection } from "../../kube/call.ts";
import { failureOf } from "../../kube/failure.ts";
import { objectAt, textAt, type JsonObject } from "../../kube/json.ts";
import type { ClusterFacts, NodeFact, SecretForm } from "../../prepull/facts.ts";
import { readJob } from "../../prepull/job.ts";
import {
  readCloudcore,
  readControllerManager,
  readNodeFact,
  readSecretForm,
} from "../../prepull/read-facts.ts";
import type { SecretReference } from "../../prepull/secret-reference.ts";
import { checkSpec } from "../../prepull/spec.ts";
import type { DiagnosisInput } from "../../prepull/diagnose/story.ts";
import { listNodeEvents } from "../events.ts";
import { EXIT, UserError } from "../exit-code.ts";
import { listAll } from "../lists.ts";

const JOBS = apiPath("apis", "operations.kubeedge.io", "v1alpha2", "imageprepulljobs");

export interface Gathered {
  readonly input: DiagnosisInput;
  /** What could not be read, in words. */
  readonly unread: readonly string[];
}

export interface GatherOptions {
  readonly kube: KubeConnection;
  readonly jobName: string;
  /** Where KubeEdge's cloud side runs. */
  readonly namespace: string;
  readonly wallMillis: () => number;
  readonly signal: AbortSignal;
}

/** @throws UserError if there is no such job, KubeError if the jobs can't be listed. */
export async function gather(options: GatherOptions): Promise<Gathered> {
  const { kube, jobName, namespace, signal } = options;
  const unread: string[] = [];
  const maybe = <T>(what: string, reading: Promise<T>): Promise<T | undefined> =>
    reading.catch((thrown: unknown) => {
      const failure = failureOf(thrown);
      if (failure.kind !== "not-found") unread.push(`${what}: ${failure.sentence}`);
      return undefined;
    });
  const jobs = await listJobs(kube, signal);
  const job = jobs.find((one) => readJob(one).name === jobName);
  if (job === undefined) {
    const remedy = "kubectl get imageprepulljobs shows which do";
    throw new UserError(`ImagePrePullJob ${jobName} does not exist; ${remedy}`, EXIT.refused);
  }
  const cloud = (...path: readonly string[]): string =>
    apiPath(...path.map((part) => (part === "NS" ? namespace : part)));
  const [configMap, deployments, nodes, events, secrets] = await Promise.all([
    maybe(
      "cloudcore's ConfigMap",
      read(kube, cloud("api", "v1", "namespaces", "NS", "configmaps", "cloudcore"), signal),
    ),
    maybe(
      "Deployments",
      listAll(kube, {
        doing: `list Deployments of ${namespace}`,
        path: cloud("apis", "apps", "v1", "namespaces", "NS", "deployments"),
        kind: "DeploymentList",
        signal,
      }),
    ),
    maybe(
      "Nodes",
      listAll(kube, { doing: "list Nodes", path: apiPath("api", "v1", "nodes"), kind: "NodeList", signal }),
    ),
    maybe("Events", listNodeEvents(kube, {}, signal)),
    readSecrets(kube, checkSpec(readJob(job).spec).template?.secret, signal, unread),
  ]);
  const facts: ClusterFacts = {
    nodes: nodes === undefined ? undefined : factsByName(nodes),
    ...readCloudcore(textAt(objectAt(configMap, "data"), "cloudcore.yaml")),
    // Neither ConfigMap nor Deployments: most likely KubeEdge runs in another namespace.
    controllerManager: readControllerManager(
      configMap === undefined && deployments?.length === 0 ? undefined : deployments,
    ),
    secrets,
  };
  const nowMillis = options.wallMillis() + kube.clockOffsetMillis();
  const otherJobs = jobs.filter((one) => one !== job);
  return { input: { job, otherJobs, facts, events: events ?? [], nowMillis }, unread };
}

/** Untyped, so a number that stops every typed client does not stop this. */
async function listJobs(kube: KubeConnection, signal: AbortSignal): Promise<readonly JsonObject[]> {
  try {
    return await listAll(kube, {
      doing: "list ImagePrePullJobs",
      path: JOBS,
      kind: "ImagePrePullJobList",
      signal,
    });
  } catch (thrown) {
    if (failureOf(thrown).kind !== "not-found") throw thrown;
    const message = "this cluster has no ImagePrePullJobs: KubeEdge's CRD is not installed";
    throw new UserError(message, EXIT.refused, thrown);
  }
}

function read(kube: KubeConnection, path: string, signal: AbortSignal): Promise<unknown> {
  return kube.request({ doing: `read ${path}`, method: "GET", path, signal });
}

/** Its form only; what the Secret holds goes nowhere. */
async function readSecrets(
  kube: KubeConnection,
  secret: SecretReference | undefined,
  signal: AbortSignal,
  unread: string[],
): Promise<ClusterFacts["secrets"]> {
  if (secret === undefined) return new Map();
  const { namespace, name } = secret;
  try {
    const raw = await read(kube, apiPath("api", "v1", "namespaces", namespace, "secrets", name), signal);
    return new Map([[namespace, new Map<string, SecretForm>([[name, readSecretForm(raw)]])]]);
  } catch (thrown) {
    const failure = failureOf(thrown);
    if (failure.kind === "not-found") return new Map([[namespace, new Map()]]);
    unread.push(`Secret ${namespace}/${name}: ${failure.sentence}`);
    return new Map();
  }
}

function factsByName(nodes: readonly JsonObject[]): ReadonlyMap<string, NodeFact> {
  return new Map(nodes.flatMap((node) => readNodeFact(node) ?? []).map((fact) => [fact.name, fact]));
}
