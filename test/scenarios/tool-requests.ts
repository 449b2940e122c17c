/** What reboot tools send, and what becomes of a node, in the words of the scenarios. */
import { expect } from "vitest";
import type { Identity } from "./api-client.ts";
import { createNode, patchNode } from "./nodes.ts";
import type { World } from "./world.ts";

export const CORDON = { spec: { unschedulable: true } };
/** A node as it is before and after a tool's work. */
export const OPEN = { lock: undefined, cordoned: false };

/** A node that the tool has cordoned and thereby locked. */
export async function cordonedBy(world: World, as: (node: string) => Identity): Promise<string> {
  const name = await createNode(world);
  expect(await patchNode(world, name, as(name), CORDON)).toMatchObject({ status: 200 });
  return name;
}
