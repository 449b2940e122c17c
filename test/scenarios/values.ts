/** Whatever is written into the lock: the node is locked, and the server's stamp wins. */
import { describe, expect, test } from "vitest";
import { createNode, getNode, LOCK, messageOf, nodeName, patchNode, recordOf, stateOf } from "./nodes.ts";
import { alice, bob, toolPod, type World } from "./world.ts";

const FORGED = JSON.stringify({
  acquiredAt: "1999-01-01T00:00:00Z",
  bootID: "forged",
  holder: "bob",
  holderNode: "forged",
  nodeUID: "forged",
  reason: "forged",
  release: "explicit",
  wasUnschedulable: true,
});

export function valueScenarios(world: () => World): void {
  describe("a lock with", () => {
    test.each([
      ["plain text", "kernel update"],
      ["an empty value", ""],
      ["a forged holder and forged times", FORGED],
      ["broken JSON", '{"holder":"bob"'],
      ["a list", "[1,2]"],
      ["__proto__ and duplicate keys", '{"__proto__":{"holder":"bob"},"holder":"x","holder":"bob"}'],
      ["200 KiB of text", "y".repeat(200 * 1_024)],
      ["control characters", "a\u0000b\u001b[2J\r\n"],
    ])("%s is a lock of its taker, stamped now", async (_name, value) => {
      const name = await createNode(world(), { unschedulable: false });
      const answer = await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: value } } });
      expect(answer.status).toBe(200);
      const record = await recordOf(world(), name);
      const { uid } = (await getNode(world(), name)).metadata;
      expect(record).toMatchObject({
        holder: "alice",
        nodeUID: uid,
        bootID: "boot-1",
        wasUnschedulable: false,
      });
      expect(record).not.toHaveProperty("holderNode");
      expect(Math.abs(Date.now() - Date.parse(String(record["acquiredAt"])))).toBeLessThan(60_000);
      expect(
        await patchNode(world(), name, bob, { metadata: { annotations: { [LOCK]: null } } }),
      ).toMatchObject({
        status: 403,
      });
    });
  });

  test("a pod's lock carries its node, and the cordon that was there is remembered", async () => {
    const name = await createNode(world(), { unschedulable: true });
    await patchNode(world(), name, toolPod(name), { metadata: { annotations: { [LOCK]: "x" } } });
    expect(await recordOf(world(), name)).toMatchObject({ holderNode: name, wasUnschedulable: true });
  });

  test("a lock through nodes/status is stamped too", async () => {
    const name = await createNode(world(), { unschedulable: true });
    await patchNode(
      world(),
      name,
      alice,
      { metadata: { annotations: { [LOCK]: FORGED } } },
      { subresource: "status" },
    );
    expect(await recordOf(world(), name)).toMatchObject({
      holder: "alice",
      reason: "forged",
      bootID: "boot-1",
    });
  });

  test("a node may be created locked; its creator is the holder", async () => {
    const name = await createNode(world(), {
      name: nodeName(),
      annotations: { [LOCK]: FORGED },
      as: alice,
      unschedulable: true,
    });
    expect(await recordOf(world(), name)).toMatchObject({
      holder: "alice",
      bootID: "boot-1",
      wasUnschedulable: true,
    });
    expect(await patchNode(world(), name, bob, { spec: { unschedulable: null } })).toMatchObject({
      status: 403,
    });
  });

  test.each([
    ['{"ttl":"soon"}', 'ttl="soon": expected a duration such as 90m, 2h30m or 7d'],
    ['{"ttl":"9000h"}', 'ttl="9000h": the lock would last longer than 168h, the maximum'],
    ['{"expiresAt":"tomorrow"}', 'expiresAt="tomorrow": expected a time such as'],
    ['{"release":"whenever"}', 'release="whenever": expected one of explicit, uncordon, reboot'],
  ])("%s refuses the request with the field and the value", async (value, expected) => {
    const name = await createNode(world());
    const answer = await patchNode(world(), name, alice, { metadata: { annotations: { [LOCK]: value } } });
    expect(answer.status).toBe(422);
    expect(messageOf(answer)).toContain(`annotation ${LOCK}: ${expected}`);
    expect(await stateOf(world(), name)).toMatchObject({ lock: undefined });
  });

  test("a misspelt field locks and warns", async () => {
    const name = await createNode(world());
    const answer = await patchNode(world(), name, alice, {
      metadata: { annotations: { [LOCK]: '{"tll":"1h"}' } },
    });
    expect(answer.warnings.join()).toContain("ignored tll");
  });
}
