/** What a storm has left on the nodes, read back from the API server. */
import { isObject, objectAt, textAt } from "../../kube/json.ts";
import { lockOn } from "../../lock/record.ts";
import { parseNode } from "../../lock/node.ts";
import type { ApiClient } from "../../test/scenarios/api-client.ts";
import { HOLDER } from "../review/locked-node.ts";
import { nodeNames, SIDE_LABEL, type Side } from "./fleet.ts";
import type { Phase } from "./writes.ts";

const PAGE = 100;

/** Every node of a side, as the API server stores it. */
export async function readNodes(client: ApiClient, side: Side): Promise<readonly unknown[]> {
  const nodes: unknown[] = [];
  let next = "";
  do {
    const query = new URLSearchParams({ labelSelector: `${SIDE_LABEL}=${side}`, limit: `${PAGE}` });
    if (next !== "") query.set("continue", next);
    const { status, body } = await client.send({ method: "GET", path: `/api/v1/nodes?${query.toString()}` });
    const items: unknown = isObject(body) ? body["items"] : undefined;
    if (status !== 200 || !Array.isArray(items)) throw new Error(`list nodes: ${status}`);
    for (const item of items) nodes.push(item);
    next = textAt(objectAt(body, "metadata"), "continue") ?? "";
  } while (next !== "");
  return nodes;
}

/**
 * How many of the first `written` nodes of a side are not as the phase should have left them. With Nodelatch: cordoned with
 * a lock that names kured's pod on this node, this node and this boot, later neither; without it: the cordon alone.
 */
export function countWrong(side: Side, phase: Phase, nodes: readonly unknown[], written: number): number {
  const names = new Set(nodeNames(side, written));
  const known = nodes.map((raw) => parseNode(raw, "node")).filter(({ name }) => names.has(name));
  const wrong = known.filter((node) => {
    const lock = lockOn(node);
    if (node.unschedulable !== (phase === "lock")) return true;
    if (side === "nothing" || phase === "release") return lock !== undefined;
    if (lock?.kind !== "record") return true;
    const { holder, holderNode, nodeUID, bootID } = lock.record;
    const isOwn = holder === HOLDER && holderNode === node.name;
    return !isOwn || nodeUID !== node.uid || bootID !== node.bootID || bootID === "";
  });
  // A node that is gone has lost its lock too.
  return wrong.length + written - known.length;
}
