/**
 * Reboot tools that know nothing of Nodelatch: their own writes take and end the lock, and nobody else's do. What kured
 * sends is word for word what it was seen to send (facts/kured-observed.md 1).
 */
import { describe, expect, test } from "vitest";
import type { ApiAnswer, Identity } from "./api-client.ts";
import {
  createNode,
  fields,
  getNode,
  JSON_PATCH,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  nodeInfo,
  patchNode,
  recordOf,
  stateOf,
} from "./nodes.ts";
import { STRIPS, UNCORDONS } from "./refused.ts";
import { flatcarAgent, kured, MARK, marker, upgradeController } from "./tool-identities.ts";
import { alice, bob, clusterAdmin, kubelet, type World } from "./world.ts";

const CORDON = { spec: { unschedulable: true } };
const UNCORDON = { spec: { unschedulable: null } };
const OPEN = { lock: undefined, cordoned: false };
const IN_PROGRESS = "weave.works/kured-reboot-in-progress";
const NEEDED = "weave.works/kured-most-recent-reboot-needed";
const mark = (value: string | null) => ({ metadata: { annotations: { [MARK]: value } } });

/** A node that the tool has cordoned and thereby locked. */
async function cordonedBy(world: World, as: (node: string) => Identity): Promise<string> {
  const name = await createNode(world);
  expect(await patchNode(world, name, as(name), CORDON)).toMatchObject({ status: 200 });
  return name;
}

/** `--annotate-nodes`: the whole node back as a strategic merge patch, with two annotations more. */
async function annotateAsKured(world: World, name: string): Promise<ApiAnswer> {
  const node = await getNode(world, name);
  const now = new Date().toISOString();
  const annotations = { ...node.metadata.annotations, [IN_PROGRESS]: now, [NEEDED]: now };
  return patchNode(world, name, kured(name), { ...node, metadata: { ...node.metadata, annotations } });
}

const DRY = { query: "?dryRun=All" };

export function toolScenarios(world: () => World): void {
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
        release: "uncordon",
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
      const rebooted = { status: { nodeInfo: nodeInfo("boot-2") } };
      await patchNode(world(), name, kubelet(name), rebooted, { subresource: "status" });
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

  describe("a tool's cordon of a node that somebody else has locked", () => {
    test("is refused, so that it never comes to an uncordon that must be", async () => {
      const name = await lockedNode(world());
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: "hands off" } } });
      // Locked and schedulable: what the holder leaves by uncordoning with a lock that is taken anew.
      const open = await createNode(world());
      await patchNode(world(), open, alice, { metadata: { annotations: { [LOCK]: "hands off" } } });
      const before = await stateOf(world(), open);
      for (const as of [kured(open), kured("elsewhere"), kured(), upgradeController("elsewhere")]) {
        const answer = await patchNode(world(), open, as, CORDON);
        expect(answer).toMatchObject({ status: 403, body: { reason: "Forbidden" } });
        expect(messageOf(answer)).toContain(`node ${open} is locked for reboot by alice (hands off)`);
      }
      expect(await stateOf(world(), open)).toEqual(before);
      // On one that is cordoned already kured sends nothing; the same value again is no cordon.
      expect(await patchNode(world(), name, kured(name), CORDON)).toMatchObject({ status: 200 });
    });

    test("is no matter for people, who may cordon any node", async () => {
      const name = await createNode(world());
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: "hands off" } } });
      const calls = await world().webhookCalls();
      expect(await patchNode(world(), name, bob, CORDON)).toMatchObject({ status: 200 });
      expect(await world().webhookCalls()).toBe(calls);
    });

    test("passes once that lock is gone", async () => {
      const name = await createNode(world());
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: "hands off" } } });
      expect(await patchNode(world(), name, kured(name), CORDON)).toMatchObject({ status: 403 });
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: null } } });
      expect(await patchNode(world(), name, kured(name), CORDON)).toMatchObject({ status: 200 });
      expect(await recordOf(world(), name)).toMatchObject({ holder: kured().user });
    });
  });

  describe("a controller whose pod moves", () => {
    test("locks from the job on the node and releases from wherever it runs then", async () => {
      const name = await cordonedBy(world(), upgradeController);
      expect(await recordOf(world(), name)).toMatchObject({
        reason: "cordoned by system-upgrade-controller",
      });
      expect(await recordOf(world(), name)).not.toHaveProperty("holderNode");
      // Dry: what is kept of a real one would be a write between the controller's read and its PUT.
      expect(await patchNode(world(), name, bob, UNCORDON, DRY)).toMatchObject({ status: 403 });
      // A label and the uncordon in one PUT (reboot-locks.md 3).
      const { metadata, ...rest } = await getNode(world(), name);
      const labels = { ...metadata.labels, "plan.upgrade.cattle.io/kernel": "abc" };
      const body = {
        ...rest,
        metadata: { ...metadata, labels },
        spec: { ...rest.spec, unschedulable: false },
      };
      const answer = await world().send({
        as: upgradeController("elsewhere"),
        method: "PUT",
        path: `/api/v1/nodes/${name}`,
        body,
      });
      expect(answer).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });
  });

  describe("a tool whose locks end with the reboot", () => {
    test("has its release and life in the record, and may itself uncordon before", async () => {
      const name = await cordonedBy(world(), flatcarAgent);
      const record = await recordOf(world(), name);
      expect(record).toMatchObject({ release: "reboot", expiresAt: expect.any(String) as unknown });
      const lived = Date.parse(String(record["expiresAt"])) - Date.parse(String(record["acquiredAt"]));
      expect(Math.abs(lived - 4 * 3_600_000)).toBeLessThanOrEqual(1_000);
      expect(await patchNode(world(), name, flatcarAgent(name), UNCORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });
  });

  describe("a tool that marks nodes", () => {
    test("locks a node that was cordoned before, and leaves it cordoned", async () => {
      const name = await createNode(world(), { unschedulable: true });
      expect(await patchNode(world(), name, marker(name), mark("now"))).toMatchObject({ status: 200 });
      expect(await recordOf(world(), name)).toMatchObject({
        reason: "marked by marker",
        release: "explicit",
        wasUnschedulable: true,
      });
      // Dry: a real one would be carried out when the lock goes.
      expect(await patchNode(world(), name, bob, UNCORDON, DRY)).toMatchObject({ status: 403 });
      expect(await patchNode(world(), name, bob, mark(null))).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toMatchObject({ lock: expect.any(String) as unknown });
      await patchNode(world(), name, marker(name), mark("again"));
      expect(await patchNode(world(), name, marker(name), mark(null))).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("through nodes/status too, by a merge patch and by the word false", async () => {
      const name = await createNode(world());
      const part = { contentType: MERGE, subresource: "status" } as const;
      await patchNode(world(), name, marker(name), mark("true"), part);
      expect(await recordOf(world(), name)).toMatchObject({ holder: marker(name).user });
      await patchNode(world(), name, marker(name), mark("false"), part);
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });

    test("restarts with its mark still there: its next cordon locks again", async () => {
      const name = await createNode(world());
      await patchNode(world(), name, marker(name), mark("now"));
      await patchNode(world(), name, marker(name), CORDON);
      expect(await patchNode(world(), name, marker(name), UNCORDON)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
      await patchNode(world(), name, marker(name), CORDON);
      expect(await recordOf(world(), name)).toMatchObject({ reason: "cordoned by marker" });
    });

    test.each<[string, (name: string) => Identity]>([
      ["somebody else's mark", () => bob],
      ["its pod's on another node", () => marker("elsewhere")],
      ["another tool's", kured],
    ])("%s locks nothing", async (_who, as) => {
      const name = await createNode(world());
      expect(await patchNode(world(), name, as(name), mark("now"))).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual(OPEN);
    });
  });

  test("people's cordons lock nothing and ask nobody", async () => {
    const name = await createNode(world());
    const calls = await world().webhookCalls();
    for (const as of [alice, clusterAdmin, kubelet(name)]) {
      expect(await patchNode(world(), name, as, CORDON)).toMatchObject({ status: 200 });
      expect(await patchNode(world(), name, as, UNCORDON)).toMatchObject({ status: 200 });
    }
    expect(await world().webhookCalls()).toBe(calls);
    expect(fields((await getNode(world(), name)).metadata.annotations)).not.toHaveProperty(LOCK);
  });

  test("a tool's cordon and its uncordon cost one call and two", async () => {
    const name = await createNode(world());
    const before = await world().webhookCalls();
    await patchNode(world(), name, kured(name), CORDON);
    expect(await world().webhookCalls()).toBe(before + 1);
    await patchNode(world(), name, kured(name), UNCORDON);
    expect(await world().webhookCalls()).toBe(before + 3);
  });
}
