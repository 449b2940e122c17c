/** What passes, and for which stated reason: the holder, break-glass, expiry, exempt deleters, a node on its way out. */
import { describe, expect, test } from "vitest";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createNode,
  getNode,
  LAST_OVERRIDE,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  OVERRIDE,
  patchNode,
  recordOf,
  stateOf,
} from "./nodes.ts";
import { alice, autoscaler, bob, breaker, clusterAdmin, toolPod, type World } from "./world.ts";

const uncordon = { spec: { unschedulable: null } };
const strip = { metadata: { annotations: { [LOCK]: null } } };

export function allowedScenarios(world: () => World): void {
  describe("the holder", () => {
    test("removes the lock, then uncordons", async () => {
      const name = await lockedNode(world());
      expect(await patchNode(world(), name, alice, strip)).toMatchObject({ status: 200 });
      expect(await patchNode(world(), name, alice, uncordon)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("removes the lock and uncordons at once", async () => {
      const name = await lockedNode(world());
      const answer = await patchNode(world(), name, alice, { ...strip, ...uncordon });
      expect(answer).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("takes a lock with release uncordon along with a plain uncordon, in the same write", async () => {
      const name = await lockedNode(world(), { value: '{"reason":"x","release":"uncordon"}' });
      const answer = await patchNode(world(), name, alice, uncordon);
      expect(answer).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("being a pod, releases from its own node only", async () => {
      const name = await lockedNode(world(), { holder: toolPod, value: '{"release":"uncordon"}' });
      expect(await patchNode(world(), name, toolPod("elsewhere"), uncordon)).toMatchObject({ status: 403 });
      expect(await patchNode(world(), name, toolPod(name), uncordon)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("changes reason and expiry; every stamp stays, whatever is claimed", async () => {
      const name = await lockedNode(world());
      const before = await recordOf(world(), name);
      const value = JSON.stringify({
        reason: "longer",
        ttl: "2h",
        holder: "bob",
        acquiredAt: "1999-01-01T00:00:00Z",
      });
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: value } } });
      expect(await recordOf(world(), name)).toEqual({
        ...before,
        reason: "longer",
        expiresAt: expect.stringMatching(/Z$/) as unknown,
      });
    });

    test("deletes the node", async () => {
      const name = await lockedNode(world());
      const answer = await world().send({ as: alice, method: "DELETE", path: `/api/v1/nodes/${name}` });
      expect(answer.status).toBe(200);
    });
  });

  test("an exempt deleter deletes the node, but may not uncordon it", async () => {
    const name = await lockedNode(world());
    expect(await patchNode(world(), name, autoscaler, uncordon)).toMatchObject({ status: 403 });
    expect(
      await world().send({ as: autoscaler, method: "DELETE", path: `/api/v1/nodes/${name}` }),
    ).toMatchObject({
      status: 200,
    });
  });

  test("a node on its way out is no longer guarded: its finalizer and its lock may go", async () => {
    const name = await lockedNode(world(), { finalizer: "example.com/hold" });
    await world().send({ as: alice, method: "DELETE", path: `/api/v1/nodes/${name}` });
    expect(await patchNode(world(), name, bob, strip)).toMatchObject({ status: 200 });
    const done = await patchNode(
      world(),
      name,
      bob,
      { metadata: { finalizers: null } },
      { contentType: MERGE },
    );
    expect(done.status).toBe(200);
    expect(await world().send({ method: "GET", path: `/api/v1/nodes/${name}` })).toMatchObject({
      status: 404,
    });
  });

  describe("an expired lock", () => {
    async function expired(): Promise<string> {
      const name = await lockedNode(world(), { value: '{"reason":"short","ttl":"1s"}' });
      // Stored in whole seconds, rounded up; and a second for a wall clock that is set meanwhile.
      await sleep(3_100);
      return name;
    }
    test("still stands, but a stranger's uncordon passes with a warning", async () => {
      const name = await expired();
      expect(await stateOf(world(), name)).toMatchObject({
        cordoned: true,
        lock: expect.any(String) as unknown,
      });
      const answer = await patchNode(world(), name, bob, uncordon);
      expect(answer.status).toBe(200);
      expect(answer.warnings.join()).toContain(
        `the reboot lock on ${name} had expired; it was held by alice`,
      );
    });
    test("may be taken over, and is then the new holder's", async () => {
      const name = await expired();
      await patchNode(world(), name, bob, { metadata: { annotations: { [LOCK]: "mine" } } });
      expect(await recordOf(world(), name)).toMatchObject({ holder: "bob", reason: "mine" });
      expect(await patchNode(world(), name, alice, strip)).toMatchObject({ status: 403 });
    });
  });

  describe("break-glass", () => {
    const act = { metadata: { annotations: { [OVERRIDE]: "disk on fire" } } };

    test.each([
      ["with an uncordon", { ...act, ...uncordon }, false],
      ["on its own, the cordon stays", act, true],
      [
        "with the lock removed by hand",
        { metadata: { annotations: { [LOCK]: null, [OVERRIDE]: "disk on fire" } }, ...uncordon },
        false,
      ],
    ])("%s: lock and override go, who and why stay", async (_name, body, cordoned) => {
      const name = await lockedNode(world());
      const answer = await patchNode(world(), name, breaker, body);
      expect(answer.status).toBe(200);
      expect(answer.warnings.join()).toContain(`the reboot lock on ${name} was broken; it was held by alice`);
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned });
      const annotations = (await getNode(world(), name)).metadata.annotations ?? {};
      expect(annotations[OVERRIDE]).toBeUndefined();
      expect(JSON.parse(annotations[LAST_OVERRIDE] ?? "null")).toMatchObject({
        by: "carol",
        holder: "alice",
        reason: "disk on fire",
      });
    });

    test("works for a cluster admin, being an act", async () => {
      const name = await lockedNode(world());
      expect(await patchNode(world(), name, clusterAdmin, { ...act, ...uncordon })).toMatchObject({
        status: 200,
      });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("works again on the next lock", async () => {
      const name = await lockedNode(world());
      await patchNode(world(), name, breaker, act);
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: "again" } } });
      await sleep(2_200); // the record of the act is in whole seconds of a clock known to a second, and must differ
      expect(await patchNode(world(), name, breaker, act)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("without the right is refused, naming what is missing", async () => {
      const name = await lockedNode(world());
      const answer = await patchNode(world(), name, bob, { ...act, ...uncordon });
      expect(answer.status).toBe(403);
      expect(messageOf(answer)).toContain(
        `bob may not break it: verb override on rebootlocks.nodelatch.io "${name}" is not granted`,
      );
      expect(await stateOf(world(), name)).toMatchObject({
        cordoned: true,
        lock: expect.any(String) as unknown,
      });
    });

    test("without a reason is refused", async () => {
      const name = await lockedNode(world());
      const answer = await patchNode(world(), name, breaker, {
        metadata: { annotations: { [OVERRIDE]: "" } },
        ...uncordon,
      });
      expect(answer.status).toBe(422);
      expect(await stateOf(world(), name)).toMatchObject({
        cordoned: true,
        lock: expect.any(String) as unknown,
      });
    });

    test("an annotation that was there before the lock breaks nothing", async () => {
      const name = await createNode(world(), { unschedulable: true, annotations: { [OVERRIDE]: "old" } });
      await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: "x" } } });
      expect(await patchNode(world(), name, breaker, uncordon)).toMatchObject({ status: 403 });
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });

    test("a forged record of an earlier act breaks nothing for those without the right", async () => {
      const name = await lockedNode(world());
      const claim = JSON.stringify({ at: "2026-11-21T00:00:00Z", by: "bob", holder: "alice", reason: "x" });
      const body = { metadata: { annotations: { [LOCK]: null, [LAST_OVERRIDE]: claim } }, ...uncordon };
      expect(await patchNode(world(), name, bob, body)).toMatchObject({ status: 403 });
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });
  });
}
