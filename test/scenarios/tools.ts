/** Reboot tools that know nothing of Nodelatch: their own writes take and end the lock, and nobody else's do. */
import { describe, expect, test } from "vitest";
import type { Identity } from "./api-client.ts";
import {
  createNode,
  fields,
  getNode,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  patchNode,
  recordOf,
  stateOf,
  UNCORDON,
} from "./nodes.ts";
import { flatcarAgent, kured, MARK, marker, upgradeController } from "./tool-identities.ts";
import { CORDON, cordonedBy, OPEN } from "./tool-requests.ts";
import { alice, bob, clusterAdmin, kubelet, type World } from "./world.ts";

const DRY = { query: "?dryRun=All" };
const mark = (value: string | null) => ({ metadata: { annotations: { [MARK]: value } } });

export function toolScenarios(world: () => World): void {
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
        // Without a version: the cordon's taint may come between, from a controller of a real cluster.
        metadata: { ...metadata, labels, resourceVersion: undefined },
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
}
