/** What a node's own agent may do with a lock: end it once the reboot is proven, as the node was before, and no more. */
import { describe, expect, test } from "vitest";
import type { Identity } from "./api-client.ts";
import { BOTH, LOCK, lockedNode, patchNode, REBOOT, reboots, stateOf, STRIP, UNCORDON } from "./nodes.ts";
import { agentOn, type World } from "./world.ts";

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

  describe("a node's agent", () => {
    test("ends a lock after the reboot, with the cordon, and nobody's agent does before", async () => {
      const name = await lockedNode(world(), { value: REBOOT });
      await expectRefused(name, agentOn(name), [STRIP, UNCORDON, BOTH, change]);
      await reboots(world(), name);
      await expectRefused(name, agentOn("elsewhere"), [STRIP, UNCORDON, BOTH, change]);
      expect(await patchNode(world(), name, agentOn(name), BOTH)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("does nothing else with it: neither uncordons under it, nor makes it its own, nor deletes the node", async () => {
      const name = await lockedNode(world(), { value: REBOOT });
      await reboots(world(), name);
      await expectRefused(name, agentOn(name), [UNCORDON, change, { ...change, ...UNCORDON }]);
      const path = `/api/v1/nodes/${name}`;
      expect(await world().send({ as: agentOn(name), method: "DELETE", path })).toMatchObject({
        status: 403,
      });
    });

    test("leaves the cordon that was there before the lock", async () => {
      const name = await lockedNode(world(), { value: REBOOT, unschedulable: true });
      await reboots(world(), name);
      await expectRefused(name, agentOn(name), [BOTH]);
      expect(await patchNode(world(), name, agentOn(name), STRIP)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test.each(["explicit", "uncordon"])("never ends a lock with release %s", async (release) => {
      const name = await lockedNode(world(), { value: JSON.stringify({ release }) });
      await reboots(world(), name);
      await expectRefused(name, agentOn(name), [STRIP, UNCORDON, BOTH, change]);
    });
  });
}
