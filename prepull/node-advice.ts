/**
 * Which nodes a job would run on, and which of them KubeEdge would fail at once.
 * A selector is matched by looking at every node: 5,000 nodes with 50,000 labels take about 1 ms, so an index over the
 * labels would only cost memory and care.
 */
import type { ClusterFacts, NodeFact } from "./facts.ts";
import { invalid, TEMPLATE_PATH, type Finding } from "./finding.ts";
import type { Requirement, Selector } from "./selector.ts";
import type { Template } from "./spec.ts";
import type { Targets } from "./targets.ts";
import { isTolerated } from "./tolerance.ts";

/** Where nodes are not known, only the names count. */
export interface FoundTargets {
  readonly count: number;
  readonly missing: readonly string[];
  readonly nodes: readonly NodeFact[];
  /** Undefined where nothing is known of the nodes. */
  readonly by: "names" | "selector" | undefined;
}

const NOTHING: FoundTargets = { count: 0, missing: [], nodes: [], by: undefined };

export function findTargets(targets: Targets, nodes: ClusterFacts["nodes"]): FoundTargets {
  if (targets.kind === "unknown") return NOTHING;
  if (targets.kind === "names") {
    const names = [...new Set(targets.names)];
    if (nodes === undefined) return { ...NOTHING, count: names.length };
    const found = names.flatMap((name) => nodes.get(name) ?? []);
    const missing = names.filter((name) => !nodes.has(name));
    return { count: names.length, missing, nodes: found, by: "names" };
  }
  if (nodes === undefined) return NOTHING;
  const found = matchingNodes(targets.selector, nodes.values());
  return { count: found.length, missing: [], nodes: found, by: "selector" };
}

export function matchingNodes(selector: Selector, nodes: Iterable<NodeFact>): readonly NodeFact[] {
  const requirements = selector.map(({ key, operator, values }) => ({
    key,
    operator,
    values: new Set(values),
  }));
  const found: NodeFact[] = [];
  for (const node of nodes) {
    if (requirements.every((requirement) => holdsFor(requirement, node.labels))) found.push(node);
  }
  return found;
}

type Prepared = Pick<Requirement, "key" | "operator"> & { readonly values: ReadonlySet<string> };

/** labels.Requirement.Matches: NotIn and DoesNotExist hold where the key is absent. */
function holdsFor({ key, operator, values }: Prepared, labels: ReadonlyMap<string, string>): boolean {
  const value = labels.get(key);
  switch (operator) {
    case "In":
      return value !== undefined && values.has(value);
    case "NotIn":
      return value === undefined || !values.has(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
  }
}

export function adviseTargets(
  template: Template,
  { count, missing, nodes, by }: FoundTargets,
): readonly Finding[] {
  if (by === undefined) return [];
  const path = `${TEMPLATE_PATH}.${by === "names" ? "nodeNames" : "labelSelector"}`;
  const found = (rule: Finding["rule"], names: readonly string[], text: string): readonly Finding[] =>
    names.length === 0
      ? []
      : [{ ...invalid(rule, path, "", `${someOf(names)} ${text}`), shown: `${names.length} of ${count}` }];
  if (by === "selector" && count === 0) {
    return [invalid("selector-matches-nothing", path, "0 nodes", "no node matches it now")];
  }
  const cloud = namesOf(nodes, ({ edge }) => !edge);
  const notReady = namesOf(nodes, ({ edge, ready }) => edge && !ready);
  const bad = missing.length + cloud.length + notReady.length;
  const notEdge = by === "names" ? "node-not-edge" : "selector-cloud-nodes";
  const each = [
    ...found("node-missing", missing, "not found"),
    ...found(notEdge, cloud, "no edge node"),
    ...found("node-not-ready", notReady, "not Ready"),
  ];
  if (bad === count) {
    const reasons = each.map(({ text }) => text).join("; ");
    return [
      {
        ...invalid("nodes-unusable", path, "", `no node can take it: ${reasons}`),
        shown: `${bad} of ${count}`,
      },
    ];
  }
  const usable = nodes.filter(({ edge, ready }) => edge && ready);
  const tooMany = isTolerated(bad, count, template.tolerance)
    ? []
    : [
        invalid(
          "tolerance-exceeded",
          `${TEMPLATE_PATH}.failureTolerate`,
          template.tolerance,
          `${bad} of ${count} nodes fail at once, so the job ends in Failure`,
        ),
      ];
  return [
    ...each,
    ...tooMany,
    ...found(
      "node-disk-pressure",
      namesOf(usable, ({ diskPressure }) => diskPressure),
      "under disk pressure",
    ),
    ...found(
      "edge-task-manager-off",
      namesOf(usable, ({ taskManager }) => taskManager === "off"),
      "without edgecore's taskManager",
    ),
  ];
}

function namesOf(nodes: readonly NodeFact[], test: (node: NodeFact) => boolean): readonly string[] {
  return nodes.filter(test).map(({ name }) => name);
}

/** The first two names, and how many more. */
export function someOf(names: readonly string[]): string {
  const more = names.length > 2 ? ` and ${names.length - 2} more` : "";
  return `${names.slice(0, 2).join(", ")}${more}`;
}
