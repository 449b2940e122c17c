/** A refused uncordon leaves an Event on the node, saying who; a dry run leaves none. */
import { expect, test, vi } from "vitest";
import { fields, lockedNode, patchNode } from "./nodes.ts";
import { bob, type World } from "./world.ts";

/** Messages of the Events about refused uncordons of a node. */
export async function refusalsOf(world: World, name: string): Promise<readonly string[]> {
  const selector = encodeURIComponent(
    `involvedObject.kind=Node,involvedObject.name=${name},reason=UncordonRefused`,
  );
  const answer = await world.send({ method: "GET", path: `/api/v1/events?fieldSelector=${selector}` });
  expect(answer.status).toBe(200);
  const { items } = fields(answer.body);
  return Array.isArray(items) ? items.map((item: unknown) => String(fields(item)["message"])) : [];
}

export function eventScenarios(world: () => World): void {
  test("a refused uncordon leaves an Event that names its sender; a dry run leaves none", async () => {
    const dry = await lockedNode(world());
    const real = await lockedNode(world());
    const uncordon = { spec: { unschedulable: null } };
    expect(await patchNode(world(), dry, bob, uncordon, { query: "?dryRun=All" })).toMatchObject({
      status: 403,
    });
    expect(await patchNode(world(), real, bob, uncordon)).toMatchObject({ status: 403 });
    await vi.waitFor(async () => expect((await refusalsOf(world(), real)).join()).toContain("bob"), {
      timeout: 10_000,
      interval: 200,
    });
    // Events are posted in order: once the later one is there, the earlier one would be too.
    expect(await refusalsOf(world(), dry)).toEqual([]);
  });
}
