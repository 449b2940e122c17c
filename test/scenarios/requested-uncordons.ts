/** A refused uncordon is kept on the node and carried out when the lock goes, if its sender may still write the node. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { ApiAnswer, Identity } from "./api-client.ts";
import {
  createNode,
  getNode,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  OVERRIDE,
  patchNode,
  stateOf,
} from "./nodes.ts";
import { alice, bob, breaker, clusterAdmin, kubelet, leaver, type ChangingWorld } from "./world.ts";

const REQUESTED = "nodelatch.io/uncordon-requested";
const uncordon = { spec: { unschedulable: null } };
const strip = { metadata: { annotations: { [LOCK]: null } } };
const requested = (value: string | null) => ({ metadata: { annotations: { [REQUESTED]: value } } });
const FORGED = JSON.stringify({ at: "2026-11-21T09:30:00Z", by: "root", groups: ["system:masters"] });

export function requestedUncordonScenarios(world: () => ChangingWorld): void {
  async function requestOn(name: string): Promise<string | undefined> {
    return (await getNode(world(), name)).metadata.annotations?.[REQUESTED];
  }

  async function kept(name: string, by: string): Promise<string> {
    return vi.waitFor(
      async () => {
        const value = await requestOn(name);
        expect(JSON.parse(value ?? "null")).toMatchObject({ by });
        return value ?? "";
      },
      { timeout: 15_000, interval: 50 },
    );
  }

  async function refusedTo(who: Identity, part: Parameters<typeof lockedNode>[1] = {}): Promise<string> {
    const name = await lockedNode(world(), part);
    expect(await patchNode(world(), name, who, uncordon)).toMatchObject({ status: 403 });
    await kept(name, who.user);
    return name;
  }

  async function expectCordoned(name: string, answer: ApiAnswer, warning: string): Promise<void> {
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.warnings.join()).toContain(warning);
    expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    expect(await requestOn(name)).toBeUndefined();
  }

  describe("a refused uncordon", () => {
    test("is kept with its sender and carried out in the write that ends the lock", async () => {
      const name = await lockedNode(world());
      expect(await patchNode(world(), name, bob, uncordon)).toMatchObject({ status: 403 });
      expect(JSON.parse(await kept(name, "bob"))).toEqual({
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) as unknown,
        by: "bob",
        groups: expect.arrayContaining(["node-writers", "system:authenticated"]) as unknown,
      });
      const answer = await patchNode(world(), name, alice, strip);
      expect(answer).toMatchObject({ status: 200 });
      expect(answer.warnings.join()).toContain(
        `nodelatch: ${name} is uncordoned with this, as bob was refused it while it was locked`,
      );
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
      expect(await requestOn(name)).toBeUndefined();
    });

    test("of the holder itself, who should have removed the lock first, is too", async () => {
      const name = await refusedTo(alice);
      expect(await patchNode(world(), name, alice, strip)).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
    });

    test("is carried out when the lock is broken", async () => {
      const name = await refusedTo(bob);
      const answer = await patchNode(world(), name, breaker, {
        metadata: { annotations: { [OVERRIDE]: "fire" } },
      });
      expect(answer).toMatchObject({ status: 200 });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
      expect(await requestOn(name)).toBeUndefined();
    });

    test("goes with an uncordon that goes through", async () => {
      const name = await refusedTo(bob, { value: '{"release":"uncordon"}' });
      const answer = await patchNode(world(), name, alice, uncordon);
      expect(answer).toMatchObject({ status: 200, warnings: [] });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
      expect(await requestOn(name)).toBeUndefined();
    });

    test("is not carried out once its sender may no longer write the node", async () => {
      const name = await refusedTo(leaver);
      await world().leaverMayWrite(false);
      try {
        await vi.waitFor(
          async () =>
            expect(await patchNode(world(), name, leaver, { metadata: {} })).toMatchObject({ status: 403 }),
          { timeout: 15_000, interval: 100 },
        );
        const answer = await patchNode(world(), name, alice, strip);
        await expectCordoned(
          name,
          answer,
          `nodelatch: ${name} stays cordoned: leaver, who was refused an uncordon, may not`,
        );
      } finally {
        await world().leaverMayWrite(true);
      }
    });

    test("can't be carried out by a write to nodes/status", async () => {
      const name = await refusedTo(bob);
      const answer = await patchNode(world(), name, alice, strip, { subresource: "status" });
      await expectCordoned(name, answer, `nodelatch: ${name} stays cordoned although bob`);
    });

    test("is withdrawn by who removes it", async () => {
      const name = await refusedTo(bob);
      expect(await patchNode(world(), name, clusterAdmin, requested(null))).toMatchObject({ status: 200 });
      expect(await patchNode(world(), name, alice, strip)).toMatchObject({ status: 200, warnings: [] });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("is withdrawn by who removes it together with the lock", async () => {
      const name = await refusedTo(bob);
      const both = { metadata: { annotations: { [LOCK]: null, [REQUESTED]: null } } };
      expect(await patchNode(world(), name, alice, both)).toMatchObject({ status: 200, warnings: [] });
      expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
    });

    test("on a dry run is not kept", async () => {
      const dry = await lockedNode(world());
      expect(await patchNode(world(), dry, bob, uncordon, { query: "?dryRun=All" })).toMatchObject({
        status: 403,
      });
      // They are written in order: once the later one is there, the earlier one would be too.
      await refusedTo(bob);
      expect(await requestOn(dry)).toBeUndefined();
    });

    test("is written once, however often it is sent", { timeout: 120_000 }, async () => {
      const name = await refusedTo(bob);
      const first = await requestOn(name);
      // Whole seconds: a second one would differ.
      await sleep(1_100);
      for (let turn = 0; turn < world().writesOfEachKind; turn += 1) {
        expect(await patchNode(world(), name, bob, uncordon)).toMatchObject({ status: 403 });
      }
      await refusedTo(bob);
      expect(await requestOn(name)).toBe(first);
    });
  });

  describe("a forged one", () => {
    test.each([
      ["set by a stranger", bob, undefined],
      ["set by the holder", alice, undefined],
      ["set by a cluster admin", clusterAdmin, undefined],
      ["set through nodes/status", bob, "status"],
    ] as const)("%s is refused", async (_name, who, subresource) => {
      const name = await lockedNode(world());
      const part = subresource === undefined ? {} : { subresource };
      const answer = await patchNode(world(), name, who, requested(FORGED), { contentType: MERGE, ...part });
      expect(answer.status).toBe(403);
      expect(messageOf(answer)).toContain(`annotation ${REQUESTED} is written by Nodelatch alone`);
      expect(await requestOn(name)).toBeUndefined();
    });

    test("set by the kubelet of the node is refused", async () => {
      const name = await lockedNode(world());
      expect(await patchNode(world(), name, kubelet(name), requested(FORGED))).toMatchObject({ status: 403 });
    });

    test("in place of a true one, or beside the holder's change of its lock, is refused", async () => {
      const name = await refusedTo(bob);
      const before = await requestOn(name);
      expect(await patchNode(world(), name, bob, requested(FORGED))).toMatchObject({ status: 403 });
      const beside = { metadata: { annotations: { [LOCK]: "longer", [REQUESTED]: FORGED } } };
      expect(await patchNode(world(), name, alice, beside)).toMatchObject({ status: 403 });
      expect(await requestOn(name)).toBe(before);
    });

    test("from before the lock, or written with it, goes when the lock comes", async () => {
      const early = await createNode(world(), { unschedulable: true, annotations: { [REQUESTED]: FORGED } });
      const late = await createNode(world(), { unschedulable: true });
      await patchNode(world(), early, alice, { metadata: { annotations: { [LOCK]: "x" } } });
      await patchNode(world(), late, alice, {
        metadata: { annotations: { [LOCK]: "x", [REQUESTED]: FORGED } },
      });
      for (const name of [early, late]) {
        expect(await requestOn(name)).toBeUndefined();
        expect(await patchNode(world(), name, alice, strip)).toMatchObject({ status: 200 });
        expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: true });
      }
    });
  });
}
