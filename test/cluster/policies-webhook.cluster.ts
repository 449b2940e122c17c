/** The policy behind the guard, beside a webhook that answers, fails open, or only warns. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  BOTH,
  lockedNode,
  messageOf,
  OVERRIDE,
  patchNode,
  REBOOT,
  reboots,
  stateOf,
  STRIP,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { alice, bob, breaker } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch, NAMESPACE, RELEASE, scaleWebhook } from "./nodelatch.ts";
import { agentWithRights, backstopInForce, expectStopped, policiesIn } from "./policies.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let world: RealWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster, ["agent.enabled=true", "guard.backstop.enabled=true"]);
  world = await realWorld(cluster);
  await backstopInForce(world);
});
afterAll(async () => {
  await installNodelatch(cluster);
  world.close();
});

describe("lets the webhook's own results pass", () => {
  test("the holder's uncordon takes the lock along", async () => {
    const name = await lockedNode(world, { value: '{"release":"uncordon"}' });
    expect(await patchNode(world, name, alice, UNCORDON)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
  });

  test("break-glass by the override alone", async () => {
    const name = await lockedNode(world);
    const override = { metadata: { annotations: { [OVERRIDE]: "disk on fire" } } };
    await expectStopped(world, name, bob, { ...override, ...UNCORDON });
    expect(await patchNode(world, name, breaker, override)).toMatchObject({ status: 200 });
    expect(await stateOf(world, name)).toMatchObject({ lock: undefined });
  });

  test("the agent's release", async () => {
    const name = await lockedNode(world, { value: REBOOT });
    await reboots(world, name);
    expect(await patchNode(world, name, agentWithRights(name), BOTH)).toMatchObject({ status: 200 });
  });

  test("but an expired lock holds: a policy has no clock", async () => {
    const name = await lockedNode(world, { value: '{"ttl":"1s"}' });
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await expectStopped(world, name, bob, UNCORDON);
    expect(await patchNode(world, name, alice, BOTH)).toMatchObject({ status: 200 });
  });
});

test("with a webhook that fails open and has no pods, the lock holds", async () => {
  const dead = await lockedNode(world);
  await installNodelatch(cluster, [
    "agent.enabled=true",
    "guard.backstop.enabled=true",
    "guard.failurePolicy=Ignore",
  ]);
  await scaleWebhook(cluster, 0);
  try {
    for (const body of [UNCORDON, STRIP, BOTH]) await expectStopped(world, dead, bob, body);
    expect(await patchNode(world, dead, alice, BOTH)).toMatchObject({ status: 200 });
  } finally {
    await scaleWebhook(cluster, 2);
  }
});

test("in mode warn it only warns", async () => {
  const name = await lockedNode(world);
  await installNodelatch(cluster, ["agent.enabled=true", "guard.backstop.enabled=true", "guard.mode=warn"]);
  await waitFor(
    "the policy to warn",
    async () => {
      const { status, warnings } = await patchNode(world, name, bob, UNCORDON, { query: "?dryRun=All" });
      const seen = `${status} ${warnings.join("; ")}`;
      return status === 200 && seen.includes("nodelatch-backstop")
        ? { done: true, value: undefined }
        : { done: false, seen };
    },
    { deadlineMillis: 90_000 },
  );
  expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
});

test("an upgrade to the default takes it away", async () => {
  await installNodelatch(cluster);
  expect(await policiesIn(cluster)).toBe("nodelatch-webhook nodelatch-webhook");
  const name = await lockedNode(world);
  await expect
    .poll(async () => messageOf(await patchNode(world, name, bob, UNCORDON, { query: "?dryRun=All" })))
    .toContain(`node ${name} is locked for reboot by alice`);
});

test("an uninstall leaves no policy behind", async () => {
  await installNodelatch(cluster, ["agent.enabled=true", "guard.backstop.enabled=true"]);
  expect(await policiesIn(cluster)).not.toBe("");
  await cluster.helm(["uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout=180s"], {
    timeoutMillis: 200_000,
  });
  expect(await policiesIn(cluster)).toBe("");
});
