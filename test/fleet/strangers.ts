/** Everybody who may write nodes and has no business with the lock. */
import { annotationPointer } from "../../kube/annotation-pointer.ts";
import { objectAt, textsAt } from "../../kube/json.ts";
import { LOCK_ANNOTATION } from "../../lock/node.ts";
import type { ApiRequest, Identity } from "../scenarios/api-client.ts";
import { AGENT_USER } from "./judge.ts";
import type { Machine } from "./machine.ts";
import { KURED } from "./tools.ts";
import type { VirtualTime } from "./virtual-time.ts";
import type { Send, Sender } from "./wire.ts";

const MERGE = "application/merge-patch+json";
const STRATEGIC = "application/strategic-merge-patch+json";
const JSON_PATCH = "application/json-patch+json";
const LOCK_POINTER = annotationPointer(LOCK_ANNOTATION);
const MINE = { op: "replace", path: LOCK_POINTER, value: "mine" };
const GROUPS = ["node-writers", "system:authenticated"];

/** The agent's own token among them: before the reboot it may no more than others. */
export function strangersOf(node: string, other: string): readonly Identity[] {
  const pod = (user: string, on: string): Identity => ({ user, groups: GROUPS, node: on });
  return [
    { user: "bob", groups: GROUPS },
    { user: `system:node:${node}`, groups: ["system:nodes", "system:authenticated"] },
    { user: "system:serviceaccount:kube-system:cluster-autoscaler", groups: GROUPS },
    pod(KURED.username, other),
    pod(AGENT_USER, other),
    pod(AGENT_USER, node),
    { user: "root", groups: ["system:masters", "system:authenticated"] },
  ];
}

/** What they try without a look at the node. */
const SHAPES: readonly ((path: string, lock: string) => ApiRequest)[] = [
  (path) => patch(path, { spec: { unschedulable: null } }, STRATEGIC),
  (path) => patch(path, { spec: { unschedulable: false } }, MERGE),
  (path) => patch(path, [{ op: "remove", path: "/spec/unschedulable" }], JSON_PATCH),
  (path) => patch(path, { metadata: { annotations: { [LOCK_ANNOTATION]: null } } }, MERGE),
  // The test: kube-apiserver takes a replacement of what is not there for an addition.
  (path, lock) => patch(path, [{ op: "test", path: LOCK_POINTER, value: lock }, MINE], JSON_PATCH),
  (path) => patch(`${path}/status`, { metadata: { annotations: { [LOCK_ANNOTATION]: null } } }, MERGE),
  (path) =>
    patch(
      path,
      { metadata: { annotations: { [LOCK_ANNOTATION]: null } }, spec: { unschedulable: null } },
      MERGE,
    ),
];

function patch(path: string, body: unknown, contentType: string): ApiRequest {
  return { method: "PATCH", path, contentType, body };
}

function withoutLock(node: unknown): object {
  const metadata = objectAt(node, "metadata");
  const annotations = new Map(textsAt(metadata, "annotations"));
  annotations.delete(LOCK_ANNOTATION);
  const { unschedulable: _, ...spec } = objectAt(node, "spec") ?? {};
  const kept = { ...metadata, annotations: Object.fromEntries(annotations) };
  return { apiVersion: "v1", kind: "Node", metadata: kept, spec, status: objectAt(node, "status") };
}

export interface StrangerParts {
  readonly machine: Machine;
  /** A machine that theirs is not. */
  readonly other: string;
  readonly time: VirtualTime;
  readonly dice: () => number;
  readonly sendAs: (sender: Sender) => Send;
  /** The node's lock now: a stranger may do what it likes with a node that has none. */
  readonly lock: () => string | undefined;
}

/** Tries one thing after the other until the signal aborts. */
export async function annoy(parts: StrangerParts, signal: AbortSignal): Promise<void> {
  const { machine, other, time, dice, sendAs, lock } = parts;
  const path = `/api/v1/nodes/${machine.name}`;
  const everybody = strangersOf(machine.name, other);
  while (!signal.aborted) {
    await time.sleep(2_000 + dice() * 15_000, signal);
    if (signal.aborted) return;
    const as = everybody[Math.floor(dice() * everybody.length)];
    // One more: who replaces the whole node has read it before.
    const shape = SHAPES[Math.floor(dice() * (SHAPES.length + 1))];
    // With its own agent's token there is nothing to refuse once the node has rebooted.
    const isOwnAgent = as?.user === AGENT_USER && as.node === machine.name;
    const found = lock();
    const isBefore = found?.includes(machine.bootID) === true;
    if (as === undefined || found === undefined) continue;
    if (isOwnAgent && !isBefore) continue;
    const send = sendAs({ role: "stranger", as });
    try {
      if (shape === undefined) {
        const { body } = await send({ method: "GET", path });
        await send({ method: "PUT", path, body: withoutLock(body) });
      } else {
        await send(shape(path, found));
      }
    } catch {
      // The API server is away.
    }
  }
}
