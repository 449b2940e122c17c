/** kured's way with a node: word for word what it was seen to send (facts/kured-observed.md 1). */
import { describe, expect, test } from "vitest";
import type { ApiAnswer } from "./api-client.ts";
import {
  createNode,
  getNode,
  JSON_PATCH,
  LOCK,
  messageOf,
  patchNode,
  recordOf,
  reboots,
  stateOf,
  UNCORDON,
} from "./nodes.ts";
import { STRIPS, UNCORDONS } from "./refused.ts";
import { kured, upgradeController } from "./tool-identities.ts";
import { CORDON, cordonedBy, OPEN } from "./tool-requests.ts";
import { bob, clusterAdmin, kubelet, type World } from "./world.ts";

const IN_PROGRESS = "weave.works/kured-reboot-in-progress";
const NEEDED = "weave.works/kured-most-recent-reboot-needed";

/** `--annotate-nodes`: the whole node back as a strategic merge patch, with two annotations more. */
async function annotateAsKured(world: World, name: string): Promise<ApiAnswer> {
  const now = new Date().toISOString();
  for (let tries = 1; ; tries += 1) {
    const node = await getNode(world, name);
    const annotations = { ...node.metadata.annotations, [IN_PROGRESS]: now, [NEEDED]: now };
    const body = { ...node, metadata: { ...node.metadata, annotations } };
    const answer = await patchNode(world, name, kured(name), body);
    // With its version in it, as kured has it: a new node's taint may come between, from a controller of a real cluster.
    if (answer.status !== 409 || tries === 10) return answer;
  }
}

export function kuredScenarios(world: () => World): void {
  describe("kured", () => {
    test("goes its whole way and leaves the node as it was, but for its own marks", async () => {
      const name = await createNode(world());
      const calls = await world().webhookCalls();
      expect(await annotateAsKured(world(), name)).toMatchObject({ status: 200 });
      const label = (value: string) => ({ metadata: { labels: { "example.com/kured": value } } });
      expect(await patchNode(world(), name, kured(name), label("draining"))).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
      expect(await world().webhookCalls()).toBe(calls);

      const cordoned = await patchNode(world(), name, kured(name), CORDON);
      // In the answer to the cordon itself: there is no moment without the lock.
      expect(JSON.stringify(cordoned.body)).toContain("cordoned by kured");
      expect(await recordOf(world(), name)).toMatchObject({
        holder: kured(name).user,
        holderNode: name,
        reason: "cordoned by kured",
        release: "reboot",
        wasUnschedulable: false,
        bootID: "boot-1",
      });
      const released = await patchNode(world(), name, kured(name), UNCORDON);
      expect(released).toMatchObject({ status: 200 });
      expect(released.warnings).toEqual([]);
      await patchNode(world(), name, kured(name), label("done"));
      const pointer = `/metadata/annotations/${IN_PROGRESS.replace("/", "~1")}`;
      const unmarked = [{ op: "remove", path: pointer }];
      const part = { contentType: JSON_PATCH };
      expect(await patchNode(world(), name, kured(name), unmarked, part)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
      expect((await getNode(world(), name)).metadata.annotations).toMatchObject({
        [NEEDED]: expect.any(String) as unknown,
      });
    });

    test("cordons a node that has no annotations at all", async () => {
      const name = await cordonedBy(world(), kured);
      expect(Object.keys((await getNode(world(), name)).metadata.annotations ?? {})).toContain(LOCK);
    });

    test("cordons again, and its lock stays as it is", async () => {
      const name = await cordonedBy(world(), kured);
      const before = await stateOf(world(), name);
      await patchNode(world(), name, kured(name), CORDON);
      expect(await stateOf(world(), name)).toEqual(before);
    });

    test("restarts in mid-delay: its uncordon ends the lock, and its next cordon takes another", async () => {
      const name = await cordonedBy(world(), kured);
      expect(await patchNode(world(), name, kured(name), UNCORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
      expect(await patchNode(world(), name, bob, CORDON)).toMatchObject({ status: 200 });
      expect(await patchNode(world(), name, bob, UNCORDON)).toMatchObject({ status: 200 });
      await patchNode(world(), name, kured(name), CORDON);
      expect(await recordOf(world(), name)).toMatchObject({ holder: kured().user, holderNode: name });
    });

    test("on a dry run locks nothing", async () => {
      const name = await createNode(world());
      const answer = await patchNode(world(), name, kured(name), CORDON, { query: "?dryRun=All" });
      expect(JSON.stringify(answer.body)).toContain("cordoned by kured");
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });

    test("of another node cordons as anybody, and may undo that", async () => {
      const name = await createNode(world());
      expect(await patchNode(world(), name, kured("elsewhere"), CORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
      expect(await patchNode(world(), name, kured("elsewhere"), UNCORDON)).toMatchObject({ status: 200 });
    });

    test("whose token names no node locks for all of its pods", async () => {
      const name = await cordonedBy(world(), () => kured());
      expect(await recordOf(world(), name)).not.toHaveProperty("holderNode");
      expect(await patchNode(world(), name, bob, UNCORDON)).toMatchObject({ status: 403 });
      expect(await patchNode(world(), name, kured("elsewhere"), UNCORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });

    test("finds the node cordoned: it sends no cordon, and nothing is locked", async () => {
      const name = await createNode(world(), { unschedulable: true });
      expect(await annotateAsKured(world(), name)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("cordons under a lock of its own from before a reboot: it begins anew", async () => {
      const name = await createNode(world());
      await patchNode(world(), name, kured(name), { metadata: { annotations: { [LOCK]: "by hand" } } });
      await reboots(world(), name);
      expect(await patchNode(world(), name, kured(name), CORDON)).toMatchObject({ status: 200 });
      expect(await recordOf(world(), name)).toMatchObject({ bootID: "boot-2", reason: "cordoned by kured" });
    });
  });

  describe("from kured's cordon to its uncordon", () => {
    test.each([...UNCORDONS, ...STRIPS])("nobody else gets through: %s", async (_shape, attack) => {
      const name = await cordonedBy(world(), kured);
      const before = await stateOf(world(), name);
      // Where a kubelet leaves out the taints, NodeRestriction is the first to refuse it.
      expect(await attack(world(), name, kubelet(name))).toMatchObject({ status: 403 });
      for (const as of [bob, clusterAdmin, kured("elsewhere"), upgradeController(name)]) {
        const answer = await attack(world(), name, as);
        expect(answer).toMatchObject({ status: 403 });
        expect(messageOf(answer)).toContain(`locked for reboot by ${kured().user} on node ${name}`);
      }
      expect(await stateOf(world(), name)).toEqual(before);
    });

    test.each(UNCORDONS)("its own ends the lock: %s", async (_shape, uncordon) => {
      const name = await cordonedBy(world(), kured);
      const answer = await uncordon(world(), name, kured(name));
      expect(answer).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });
  });

  test("its cordon and its uncordon cost one call and two", async () => {
    const name = await createNode(world());
    const before = await world().webhookCalls();
    await patchNode(world(), name, kured(name), CORDON);
    expect(await world().webhookCalls()).toBe(before + 1);
    await patchNode(world(), name, kured(name), UNCORDON);
    expect(await world().webhookCalls()).toBe(before + 3);
  });
}
