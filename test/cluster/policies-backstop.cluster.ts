/** The policy behind the guard: what it refuses with the webhook there, without it, and with one that fails open. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Identity } from "../scenarios/api-client.ts";
import {
  BOTH,
  createNode,
  getNode,
  JSON_PATCH,
  LAST_OVERRIDE,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  nodeInfo,
  OVERRIDE,
  patchNode,
  REBOOT,
  reboots,
  SCENARIO_LABEL,
  stateOf,
  STRIP,
  UNCORDON,
} from "../scenarios/nodes.ts";
import { STRIPS, UNCORDONS } from "../scenarios/refused.ts";
import { alice, autoscaler, bob, breaker, clusterAdmin, kubelet, toolPod } from "../scenarios/world.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { installNodelatch, RELEASE } from "./nodelatch.ts";
import { agentWithRights, backstopInForce, expectStopped, expectTyped, policiesIn } from "./policies.ts";
import { waitFor } from "./process/wait-for.ts";
import { realWorld, type RealWorld } from "./real-world.ts";

let cluster: Cluster;
let world: RealWorld;

beforeAll(async () => {
  cluster = await openTestCluster();
  // Without the agent, whose own policy would refuse its identity as well.
  await installNodelatch(cluster, ["guard.backstop.enabled=true"]);
  world = await realWorld(cluster);
  await backstopInForce(world);
});
afterAll(async () => {
  await installNodelatch(cluster);
  world.close();
});

describe("the backstop", () => {
  /** Of alice's, each for one test. */
  const nodes = new Map<string, string>();
  const at = (what: string): string => {
    const name = nodes.get(what);
    if (name === undefined) throw new Error(`no node ${what}`);
    return name;
  };

  beforeAll(async () => {
    for (const what of ["attacked", "uncordoned", "stripped", "deleted", "gone", "broken", "odd"]) {
      nodes.set(what, await lockedNode(world, { group: "backstop" }));
    }
    nodes.set("rebooted", await lockedNode(world, { value: REBOOT }));
    nodes.set("pod's", await lockedNode(world, { holder: toolPod }));
    nodes.set("leaving", await lockedNode(world, { finalizer: "example.com/wait" }));
    nodes.set("open", await createNode(world, { unschedulable: true }));
    nodes.set("cordoned before", await lockedNode(world, { value: REBOOT, unschedulable: true }));
  });

  test("compiles without a warning, and is bound", async () => {
    expect(await policiesIn(cluster)).toBe(
      "nodelatch-backstop nodelatch-webhook nodelatch-backstop nodelatch-webhook",
    );
    await expectTyped(cluster, "nodelatch-backstop");
  });

  describe("with the webhook's configurations deleted", () => {
    beforeAll(async () => {
      await cluster.kubectl([
        "delete",
        `validatingwebhookconfiguration/${RELEASE}`,
        `mutatingwebhookconfiguration/${RELEASE}`,
      ]);
      await waitFor(
        "the webhook not to be asked",
        async () => {
          const taken = await patchNode(world, await createNode(world), alice, {
            metadata: { annotations: { [LOCK]: '{"ttl":"no duration"}' } },
          });
          const seen = `${taken.status}`;
          return seen === "200" ? { done: true, value: undefined } : { done: false, seen };
        },
        { deadlineMillis: 90_000 },
      );
    });

    test.each([...UNCORDONS, ...STRIPS])("refuses %s", async (_name, attack) => {
      const name = at("attacked");
      const before = await stateOf(world, name);
      for (const as of [bob, clusterAdmin, kubelet(name), agentWithRights(name)]) {
        const answer = await attack(world, name, as);
        expect(answer).toMatchObject({ status: 403 });
        // NodeRestriction comes first: a PUT of a whole node also drops the taint of its cordon.
        expect(messageOf(answer)).toMatch(/nodelatch-backstop|not allowed to modify taints/);
      }
      expect(await stateOf(world, name)).toEqual(before);
    });

    test.each([
      ["empties", { metadata: { annotations: { [LOCK]: "" } } }],
      ["takes over", { metadata: { annotations: { [LOCK]: "mine" } } }],
    ])("refuses who %s the lock", async (_what, body) => {
      await expectStopped(world, at("attacked"), bob, body);
    });

    test("refuses deletes, one by one and all at once", async () => {
      const name = at("attacked");
      const selector = `labelSelector=${encodeURIComponent(`${SCENARIO_LABEL}=backstop`)}`;
      for (const path of [`/api/v1/nodes/${name}`, `/api/v1/nodes?${selector}`]) {
        const answer = await world.send({ as: bob, method: "DELETE", path });
        expect(messageOf(answer)).toContain("nodelatch-backstop");
      }
      expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
    });

    test.each([
      ["quotation marks", 'x","holder":"alice'],
      ["the rest of a record", 'alice","nodeUID":"'],
      ["a backslash", "alice\\"],
      ["a part of the name", "lice"],
    ])("a user name with %s is nobody's", async (_what, user) => {
      await expectStopped(world, at("odd"), { ...bob, user }, BOTH);
    });

    test("a holder with an odd name is known again", async () => {
      const odd: Identity = { ...alice, user: 'a"b\\c' };
      // Taken without the latch, so this is what it would have written.
      const name = await createNode(world, { unschedulable: true });
      const { uid } = (await getNode(world, name)).metadata;
      const record = `{"acquiredAt":"2026-11-21T09:14:00Z","bootID":"boot-1","holder":${JSON.stringify(odd.user)},"nodeUID":"${uid}","reason":"","release":"explicit","wasUnschedulable":false}`;
      await patchNode(world, name, odd, { metadata: { annotations: { [LOCK]: record } } });
      await expectStopped(world, name, alice, BOTH);
      expect(await patchNode(world, name, odd, BOTH)).toMatchObject({ status: 200 });
    });

    test("the holder uncordons, strips and deletes", async () => {
      expect(await patchNode(world, at("uncordoned"), alice, UNCORDON)).toMatchObject({ status: 200 });
      expect(await patchNode(world, at("stripped"), alice, STRIP)).toMatchObject({ status: 200 });
      const path = `/api/v1/nodes/${at("deleted")}`;
      expect(await world.send({ as: alice, method: "DELETE", path })).toMatchObject({ status: 200 });
    });

    test("a pod that holds does so on its own node alone", async () => {
      const name = at("pod's");
      await expectStopped(world, name, toolPod("elsewhere"), BOTH);
      const { node: _, ...unbound } = toolPod(name);
      await expectStopped(world, name, unbound, BOTH);
      // Were it not escaped, the record would hold just these words.
      await expectStopped(world, name, { ...unbound, user: `${unbound.user}","holderNode":"${name}` }, BOTH);
      expect(await patchNode(world, name, toolPod(name), BOTH)).toMatchObject({ status: 200 });
    });

    test("controllers that may delete, delete, and do nothing else", async () => {
      await expectStopped(world, at("gone"), autoscaler, BOTH);
      const path = `/api/v1/nodes/${at("gone")}`;
      expect(await world.send({ as: autoscaler, method: "DELETE", path })).toMatchObject({ status: 200 });
    });

    test("the node's own agent releases after the reboot, and nobody in its name", async () => {
      const name = at("rebooted");
      await expectStopped(world, name, agentWithRights(name), BOTH);
      await reboots(world, name);
      await expectStopped(world, name, kubelet(name), BOTH);
      await expectStopped(world, name, toolPod(name), BOTH);
      for (const other of [agentWithRights("elsewhere"), agentWithRights(undefined)]) {
        await expectStopped(world, name, other, BOTH);
      }
      expect(await patchNode(world, name, agentWithRights(name), BOTH)).toMatchObject({ status: 200 });
      expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("the node's own agent leaves a cordon from before the lock", async () => {
      const name = at("cordoned before");
      await reboots(world, name);
      await expectStopped(world, name, agentWithRights(name), BOTH);
      expect(await patchNode(world, name, agentWithRights(name), STRIP)).toMatchObject({ status: 200 });
      expect(await stateOf(world, name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("break-glass is one request with both, by who may, with a reason", async () => {
      const name = at("broken");
      const because = (key: string, reason: string) => ({
        metadata: { annotations: { [LOCK]: null, [key]: reason } },
      });
      await expectStopped(world, name, bob, because(OVERRIDE, "why"));
      await expectStopped(world, name, bob, because(LAST_OVERRIDE, "why"));
      await expectStopped(world, name, breaker, because(OVERRIDE, ""));
      await expectStopped(world, name, breaker, STRIP);
      await expectStopped(world, name, breaker, {
        metadata: { annotations: { [OVERRIDE]: "why" } },
        ...UNCORDON,
      });
      expect(await patchNode(world, name, breaker, because(OVERRIDE, "disk on fire"))).toMatchObject({
        status: 200,
      });
      expect(await stateOf(world, name)).toMatchObject({ lock: undefined });
    });

    test("a node that is being deleted is not guarded", async () => {
      const name = at("leaving");
      expect(await world.send({ as: alice, method: "DELETE", path: `/api/v1/nodes/${name}` })).toMatchObject({
        status: 200,
      });
      expect(
        await patchNode(world, name, bob, { ...UNCORDON, metadata: { finalizers: null } }),
      ).toMatchObject({
        status: 200,
      });
    });

    test("ordinary writes pass, and so does everything on a node without lock", async () => {
      const name = at("attacked");
      const beat = { status: { nodeInfo: nodeInfo("boot-1") } };
      for (const [as, body, part] of [
        [bob, { metadata: { labels: { "example.com/a": "b" } } }, {}],
        [bob, { metadata: { annotations: { "example.com/a": "b" } } }, {}],
        [bob, { spec: { taints: [{ key: "example.com/a", effect: "PreferNoSchedule" }] } }, {}],
        [bob, { spec: { unschedulable: true } }, {}],
        [kubelet(name), beat, { subresource: "status" }],
        [bob, UNCORDON, { subresource: "status", contentType: MERGE }],
        [bob, [{ op: "test", path: "/metadata/name", value: name }], { contentType: JSON_PATCH }],
      ] as const) {
        expect(await patchNode(world, name, as, body, part)).toMatchObject({ status: 200 });
      }
      expect(await stateOf(world, name)).toMatchObject({ cordoned: true });
      expect(await patchNode(world, at("open"), bob, UNCORDON)).toMatchObject({ status: 200 });
    });
  });
});
