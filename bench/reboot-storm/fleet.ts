/** The nodes of a storm, on two sides: those that Nodelatch is registered for, and those that nobody is asked about. */
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import { objectAt, textsAt } from "../../kube/json.ts";
import { lockedNode, uncordoned } from "../review/locked-node.ts";

export type Side = "nodelatch" | "nothing";
export const SIDES: readonly Side[] = ["nodelatch", "nothing"];

/** On a node, with its side: the registrations select their nodes by it. */
export const SIDE_LABEL = "bench.nodelatch.io/side";

export function nodeNames(side: Side, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${side}-${String(index).padStart(4, "0")}`);
}

/** A node in service, as a kubelet would have registered it: no lock, not cordoned. */
export function freshNode(side: Side, name: string, bytes: number): object {
  const node = uncordoned(lockedNode({ name, bytes, labels: { [SIDE_LABEL]: side } }));
  const metadata = objectAt(node, "metadata");
  const annotations = new Map(textsAt(metadata, "annotations"));
  annotations.delete(LOCK_ANNOTATION);
  return { ...node, metadata: { ...metadata, annotations: Object.fromEntries(annotations) } };
}
