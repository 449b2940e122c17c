/** Pods with work to lose, on nodes without a machine. */
import { expect } from "vitest";
import type { Stand } from "./stand.ts";

const NAMESPACE = "default";

export interface AppPart {
  /** It is not gone before somebody takes this finalizer away. */
  readonly finalizer?: string;
  readonly mirror?: boolean;
}

/** Put there as by a scheduler of one's own: a cordon does not stop it. */
export async function createApp({ world, node }: Stand, name: string, part: AppPart = {}): Promise<void> {
  const metadata = {
    name: `${node}-${name}`,
    ...(part.finalizer === undefined ? {} : { finalizers: [part.finalizer] }),
    ...(part.mirror === true ? { annotations: { "kubernetes.io/config.mirror": "hash" } } : {}),
  };
  const spec = {
    nodeName: node,
    // Nobody is there who would end it.
    terminationGracePeriodSeconds: 0,
    containers: [{ name: "app", image: "registry.example.com/app:1" }],
  };
  const body = { apiVersion: "v1", kind: "Pod", metadata, spec };
  const path = `/api/v1/namespaces/${NAMESPACE}/pods`;
  const answer = await world.send({ method: "POST", path, body });
  expect(answer, "create pod").toMatchObject({ status: 201 });
}

export async function hasApp({ world, node }: Stand, name: string): Promise<boolean> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${node}-${name}`;
  return (await world.send({ method: "GET", path })).status === 200;
}

export async function releaseApp({ world, node }: Stand, name: string): Promise<void> {
  const path = `/api/v1/namespaces/${NAMESPACE}/pods/${node}-${name}`;
  const body = { metadata: { finalizers: null } };
  const answer = await world.send({
    method: "PATCH",
    path,
    contentType: "application/merge-patch+json",
    body,
  });
  expect(answer, "take the finalizer away").toMatchObject({ status: 200 });
}
