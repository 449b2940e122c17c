/** What the tests of the chart's ValidatingAdmissionPolicies have in common. */
import { expect } from "vitest";
import type { Identity } from "../scenarios/api-client.ts";
import { lockedNode, messageOf, patchNode, stateOf, UNCORDON } from "../scenarios/nodes.ts";
import { agentOn, bob, type World } from "../scenarios/world.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { waitFor } from "./process/wait-for.ts";

/** As if somebody had given the agent's ServiceAccount every right on nodes. */
export function agentWithRights(node: string | undefined): Identity {
  const { node: _, ...unbound } = agentOn("");
  return node === undefined ? unbound : agentOn(node);
}

/** Names of Nodelatch's policies, then of their bindings. */
export async function policiesIn(cluster: Cluster): Promise<string> {
  return cluster.kubectl([
    "get",
    "validatingadmissionpolicies,validatingadmissionpolicybindings",
    "-l",
    "app.kubernetes.io/name=nodelatch",
    "-o=jsonpath={.items[*].metadata.name}",
  ]);
}

/** The controller manager checks a policy's expressions against the schema of Nodes, and warns in its status. */
export async function expectTyped(cluster: Cluster, policy: string): Promise<void> {
  const get = ["get", "validatingadmissionpolicy", policy, "-o=jsonpath={.metadata.generation} {.status}"];
  await expect
    .poll(async () => cluster.kubectl(get))
    .toMatch(/^(\d+) \{(?=.*"observedGeneration":\1[,}])(?=.*"typeChecking":\{\}).*\}$/);
}

/** New policies take the API server a moment. */
export async function backstopInForce(world: World): Promise<void> {
  const probe = await lockedNode(world);
  await waitFor(
    "the backstop to be in force",
    async () => {
      const seen = messageOf(await patchNode(world, probe, bob, UNCORDON));
      return seen.includes("nodelatch-backstop") ? { done: true, value: undefined } : { done: false, seen };
    },
    { deadlineMillis: 90_000 },
  );
}

/** By the backstop, in its words, and the node is as it was. */
export async function expectStopped(world: World, name: string, as: Identity, body: unknown): Promise<void> {
  const before = await stateOf(world, name);
  const answer = await patchNode(world, name, as, body);
  expect(answer).toMatchObject({ status: 403 });
  expect(messageOf(answer)).toContain(
    `node ${name} is locked for reboot, says the policy nodelatch-backstop`,
  );
  expect(await stateOf(world, name)).toEqual(before);
}
