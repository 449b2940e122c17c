/** Nodes for the scenarios, and what is read from them. */
import { expect } from "vitest";
import type { ApiAnswer, Identity } from "./api-client.ts";
import { alice, kubelet, type World } from "./world.ts";

export const LOCK = "nodelatch.io/reboot-lock";
export const OVERRIDE = "nodelatch.io/override";
export const LAST_OVERRIDE = "nodelatch.io/last-override";

export const STRATEGIC = "application/strategic-merge-patch+json";
export const MERGE = "application/merge-patch+json";
export const JSON_PATCH = "application/json-patch+json";

/** Marks the scenarios' nodes, so that a delete of a collection can name them and no other. */
export const SCENARIO_LABEL = "nodelatch.io/scenario";

export interface NodeObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly unschedulable?: boolean };
  readonly status: { readonly nodeInfo: { readonly bootID: string } };
}

let made = 0;
const run = Date.now().toString(36);

/** A fresh node's name; unique within a run, so that scenarios never meet. */
export function nodeName(): string {
  made += 1;
  return `sc-${run}-${made}`;
}

export async function createNode(
  world: World,
  part: {
    name?: string;
    unschedulable?: boolean;
    annotations?: Record<string, string>;
    as?: Identity;
    finalizer?: string;
    group?: string;
  } = {},
): Promise<string> {
  const name = part.name ?? nodeName();
  const answer = await world.send({
    method: "POST",
    path: "/api/v1/nodes",
    ...(part.as === undefined ? {} : { as: part.as }),
    body: {
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name,
        labels: { [SCENARIO_LABEL]: part.group ?? "single" },
        ...(part.annotations === undefined ? {} : { annotations: part.annotations }),
        ...(part.finalizer === undefined ? {} : { finalizers: [part.finalizer] }),
      },
      spec: part.unschedulable === true ? { unschedulable: true } : {},
      status: { nodeInfo: nodeInfo("boot-1") },
    },
  });
  expect(answer, "create node").toMatchObject({ status: 201 });
  return name;
}

/** All fields of status.nodeInfo are required strings in the API. */
export function nodeInfo(bootID: string): Record<string, string> {
  return {
    architecture: "amd64",
    bootID,
    containerRuntimeVersion: "containerd://2.1.9",
    kernelVersion: "6.12.0",
    kubeProxyVersion: "",
    kubeletVersion: "v1.35.4",
    machineID: "m",
    operatingSystem: "linux",
    osImage: "Debian",
    systemUUID: "s",
  };
}

/** A node with a lock that `holder` took by writing `value`, and cordoned in the same write. */
export async function lockedNode(
  world: World,
  part: {
    value?: string;
    holder?: Identity | ((name: string) => Identity);
    finalizer?: string;
    group?: string;
    /** Cordoned before the lock as well. */
    unschedulable?: boolean;
  } = {},
): Promise<string> {
  const { value = "kernel update", holder = alice, ...rest } = part;
  const name = await createNode(world, rest);
  const as = typeof holder === "function" ? holder(name) : holder;
  const taking = { metadata: { annotations: { [LOCK]: value } }, spec: { unschedulable: true } };
  const answer = await patchNode(world, name, as, taking);
  expect(answer, "take the lock").toMatchObject({ status: 200 });
  return name;
}

export function patchNode(
  world: World,
  name: string,
  as: Identity,
  body: unknown,
  part: { contentType?: string; subresource?: "status"; query?: string } = {},
): Promise<ApiAnswer> {
  const path = `/api/v1/nodes/${name}${part.subresource === undefined ? "" : `/${part.subresource}`}${part.query ?? ""}`;
  return world.send({ as, method: "PATCH", path, contentType: part.contentType ?? STRATEGIC, body });
}

export async function getNode(world: World, name: string): Promise<NodeObject> {
  const answer = await world.send({ method: "GET", path: `/api/v1/nodes/${name}` });
  expect(answer.status, "get node").toBe(200);
  if (!isNode(answer.body)) throw new Error(`no Node: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

function isNode(body: unknown): body is NodeObject {
  return typeof body === "object" && body !== null && "kind" in body && body.kind === "Node";
}

export interface LockState {
  readonly lock: string | undefined;
  readonly cordoned: boolean;
}

export async function stateOf(world: World, name: string): Promise<LockState> {
  const node = await getNode(world, name);
  return { lock: node.metadata.annotations?.[LOCK], cordoned: node.spec.unschedulable === true };
}

/** The fields of the stored record. */
export async function recordOf(world: World, name: string): Promise<Record<string, unknown>> {
  const { lock } = await stateOf(world, name);
  return fields(JSON.parse(lock ?? "null"));
}

/** The message of a Status answer. */
export function messageOf(answer: ApiAnswer): string {
  const { body } = answer;
  return typeof body === "object" && body !== null && "message" in body ? String(body.message) : "";
}

/** An unknown value's fields; none where it is no object. */
export function fields(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

/** A lock that the node's agent ends. */
export const REBOOT = '{"reason":"kernel","release":"reboot"}';
export const UNCORDON = { spec: { unschedulable: null } };
export const STRIP = { metadata: { annotations: { [LOCK]: null } } };
export const BOTH = { ...UNCORDON, ...STRIP };

/** As the node's status tells it. */
export async function reboots(world: World, name: string): Promise<void> {
  const body = { status: { nodeInfo: nodeInfo("boot-2") } };
  const answer = await patchNode(world, name, kubelet(name), body, { subresource: "status" });
  expect(answer).toMatchObject({ status: 200 });
}
