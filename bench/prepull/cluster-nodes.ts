/** Edge nodes with many labels, for the API server and for the facts in memory. */
import type { ClusterFacts, NodeFact } from "../../prepull/facts.ts";
import { NO_FACTS } from "../../prepull/facts.ts";
import { readNodeFact } from "../../prepull/read-facts.ts";
import { nodeName } from "./jobs.ts";

export const NODES = 5_000;
/** With the edge label, ten each: 50,000 pairs. */
const OTHER_LABELS = 9;

export function edgeNode(index: number): object {
  const labels: Record<string, string> = { "node-role.kubernetes.io/edge": "" };
  for (let label = 0; label < OTHER_LABELS; label += 1) {
    labels[`site.example.com/label-${label}`] = `value-${(index * (label + 3)) % 997}`;
  }
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: nodeName(index), labels },
    status: { conditions: [{ type: "Ready", status: "True" }] },
  };
}

export function manyFacts(): ClusterFacts {
  const nodes = new Map<string, NodeFact>();
  for (let index = 0; index < NODES; index += 1) {
    const fact = readNodeFact(edgeNode(index));
    if (fact !== undefined) nodes.set(fact.name, fact);
  }
  return { ...NO_FACTS, nodes };
}
