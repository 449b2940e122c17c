/** What a node's own agent may do with a lock: end it once the reboot is proven, as the node was before, and no more. */
import { describe, expect, test } from "vitest";
import type { Identity } from "./api-client.ts";
import { createNode, LOCK, lockedNode, nodeInfo, patchNode, stateOf } from "./nodes.ts";
import { agentOn, alice, kubelet, type World } from "./world.ts";

const REBOOT = '{"reason":"kernel","release":"reboot"}';
const strip = { metadata: { annotations: { [LOCK]: null } } };
const uncordon = { spec: { unschedulable: null } };
const both = { ...strip, ...uncordon };
const change = { metadata: { annotations: { [LOCK]: '{"reason":"mine","release":"reboot"}' } } };

export function agentScenarios(world: () => World): void {
  async function expectRefused(name: string, as: Identity, bodies: readonly object[]): Promise<void> {
    const before = await stateOf(world(), name);
    for (const body of bodies) {
      const { status } = await patchNode(world(), name, as, body);
      expect({ body, status }).toEqual({ body, status: 403 });
    }
    expect(await stateOf(world(), name)).toEqual(before);
  }

  async function reboot(name: string): Promise<void> {
    const body = { status: { nodeInfo: nodeInfo("boot-2") } };
    expect(await patchNode(world(), name, kubelet(name), body, { subresource: "status" })).toMatchObject({
      status: 200,
    });
  }

  describe("a node's agent", () => {
    test("ends a lock after the reboot, with the cordon, and nobody's agent does before", async () => {
      const name = await lockedNode(world(), { value: REBOOT });
      await expectRefused(name, agentOn(name), [strip, uncordon, both, change]);
      await reboot(name);
      await expectRefused(name, agentOn("elsewhere"), [strip, uncordon, both, change]);
      expect(await patchNode(world(), name, agentOn(name), both)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("does nothing else with it: neither uncordons under it, nor makes it its own, nor deletes the node", async () => {
      const name = await lockedNode(world(), { value: REBOOT });
      await reboot(name);
      await expectRefused(name, agentOn(name), [uncordon, change, { ...change, ...uncordon }]);
      const path = `/api/v1/nodes/${name}`;
      expect(await world().send({ as: agentOn(name), method: "DELETE", path })).toMatchObject({
        status: 403,
      });
    });

    test("leaves the cordon that was there before the lock", async () => {
      const name = await createNode(world(), { unschedulable: true });
      expect(
        await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: REBOOT } } }),
      ).toMatchObject({
        status: 200,
      });
      await reboot(name);
      await expectRefused(name, agentOn(name), [both]);
      expect(await patchNode(world(), name, agentOn(name), strip)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test.each(["explicit", "uncordon"])("never ends a lock with release %s", async (release) => {
      const name = await lockedNode(world(), { value: JSON.stringify({ release }) });
      await reboot(name);
      await expectRefused(name, agentOn(name), [strip, uncordon, both, change]);
    });
  });
}
