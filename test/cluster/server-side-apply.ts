/** Server-side apply: ownership of fields is no lock. The embedded API server has no apply, so these run here only. */
import { describe, expect, test } from "vitest";
import type { ApiAnswer, Identity } from "../scenarios/api-client.ts";
import { createNode, LOCK, lockedNode, messageOf, nodeName, recordOf, stateOf } from "../scenarios/nodes.ts";
import { alice, bob, clusterAdmin, type World } from "../scenarios/world.ts";

interface Applied {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly unschedulable?: boolean;
  readonly force?: boolean;
  readonly manager?: string;
}

function apply(world: World, name: string, as: Identity, part: Applied): Promise<ApiAnswer> {
  const query = `fieldManager=${part.manager ?? as.user}${part.force === true ? "&force=true" : ""}`;
  return world.send({
    as,
    method: "PATCH",
    path: `/api/v1/nodes/${name}?${query}`,
    contentType: "application/apply-patch+yaml",
    body: {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, ...(part.annotations === undefined ? {} : { annotations: part.annotations }) },
      spec: part.unschedulable === undefined ? {} : { unschedulable: part.unschedulable },
    },
  });
}

export function serverSideApplyScenarios(world: () => World): void {
  describe("server-side apply", () => {
    test.each([
      ["unschedulable: false with --force-conflicts", { unschedulable: false, force: true }],
      ["another lock with --force-conflicts", { annotations: { [LOCK]: "mine" }, force: true }],
    ])("by a stranger, %s, is refused by the guard", async (_name, part) => {
      for (const as of [bob, clusterAdmin]) {
        const name = await lockedNode(world());
        const before = await stateOf(world(), name);
        const answer = await apply(world(), name, as, part);
        expect(answer.status).toBe(403);
        expect(messageOf(answer)).toContain(`node ${name} is locked for reboot by alice`);
        expect(await stateOf(world(), name)).toEqual(before);
      }
    });

    test("by a stranger without force meets the owner's conflict before any webhook", async () => {
      const name = await createNode(world());
      await apply(world(), name, alice, { annotations: { [LOCK]: "x" }, unschedulable: true });
      const answer = await apply(world(), name, bob, { unschedulable: false });
      expect(answer.status).toBe(409);
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });

    test("by the fields' owner, dropping lock and cordon, is refused to all but the holder", async () => {
      // A GitOps tool owns the fields; alice holds the lock, as the tool applied it in her name.
      const name = await createNode(world());
      const gitops = { manager: "gitops" };
      await apply(world(), name, alice, { ...gitops, annotations: { [LOCK]: "x" }, unschedulable: true });
      expect(await recordOf(world(), name)).toMatchObject({ holder: "alice" });
      expect(await apply(world(), name, bob, gitops)).toMatchObject({ status: 403 });
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
      expect(await apply(world(), name, alice, gitops)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("of the same lock by its holder again changes nothing", async () => {
      const name = await createNode(world());
      const lock = { annotations: { [LOCK]: "x" }, unschedulable: true };
      await apply(world(), name, alice, lock);
      const before = await recordOf(world(), name);
      expect(await apply(world(), name, alice, lock)).toMatchObject({ status: 200 });
      expect(await recordOf(world(), name)).toEqual(before);
    });

    test("may create a locked node; its applier is the holder", async () => {
      const name = nodeName();
      const answer = await apply(world(), name, alice, { annotations: { [LOCK]: "x" }, unschedulable: true });
      expect(answer.status).toBe(201);
      expect(await recordOf(world(), name)).toMatchObject({ holder: "alice", wasUnschedulable: true });
    });
  });
}
