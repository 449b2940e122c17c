/** Specs and jobs for the tests of this folder. */
import { NO_FACTS, type ClusterFacts, type NodeFact } from "./facts.ts";
import { TEMPLATE_PATH, type Finding } from "./finding.ts";
import { checkSpec } from "./spec.ts";

/** A template in which no rule finds anything, with some fields changed; undefined takes a field away. */
export function template(part: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const whole = {
    images: ["docker.io/library/nginx:1.27"],
    nodeNames: ["edge1"],
    timeoutSeconds: 300,
    ...part,
  };
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined));
}

export function specWith(part: Readonly<Record<string, unknown>> = {}): unknown {
  return { imagePrePullTemplate: template(part) };
}

/** What the rules find in a template, as `rule path`, the path without what all have in common. */
export function foundIn(part: Readonly<Record<string, unknown>>): readonly string[] {
  return named(checkSpec(specWith(part)).findings);
}

export function named(findings: readonly Finding[]): readonly string[] {
  return findings.map(({ rule, path }) => `${rule} ${path.replace(`${TEMPLATE_PATH}.`, "")}`);
}

/** A job as the API server sends it. */
export function rawJob(
  part: {
    readonly spec?: unknown;
    readonly status?: unknown;
    readonly metadata?: Readonly<Record<string, unknown>>;
  } = {},
): Readonly<Record<string, unknown>> {
  return {
    apiVersion: "operations.kubeedge.io/v1alpha2",
    kind: "ImagePrePullJob",
    metadata: { name: "pull1", ...part.metadata },
    spec: part.spec ?? specWith(),
    ...(part.status === undefined ? {} : { status: part.status }),
  };
}

/** An edge node that is Ready, with some things changed. */
export function nodeFact(
  name: string,
  part: Partial<Omit<NodeFact, "name" | "labels">> & { labels?: Record<string, string> } = {},
): NodeFact {
  const { labels, ...rest } = part;
  const edge = rest.edge ?? true;
  return {
    name,
    edge,
    ready: true,
    diskPressure: false,
    taskManager: "unknown",
    ...rest,
    labels: new Map(Object.entries({ ...(edge ? { "node-role.kubernetes.io/edge": "" } : {}), ...labels })),
  };
}

export function factsWith(
  part: Partial<Omit<ClusterFacts, "nodes">> & { nodes?: readonly NodeFact[] } = {},
): ClusterFacts {
  const { nodes, ...rest } = part;
  const known = nodes === undefined ? undefined : new Map(nodes.map((node) => [node.name, node]));
  return { ...NO_FACTS, ...rest, nodes: known };
}
