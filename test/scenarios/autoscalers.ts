/** While a node is locked, autoscalers are told to stay away; the end of the lock takes that back in the same write. */
import { describe, expect, test } from "vitest";
import type { ApiAnswer } from "./api-client.ts";
import {
  createNode,
  fields,
  getNode,
  JSON_PATCH,
  LOCK,
  lockedNode,
  OVERRIDE,
  patchNode,
  recordOf,
  reboots,
  stateOf,
} from "./nodes.ts";
import { agentOn, alice, bob, breaker, type World } from "./world.ts";

const CA = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
const KARPENTER = "karpenter.sh/do-not-disrupt";
const AWAY = { [CA]: "true", [KARPENTER]: "true" };

const lock = (value = "kernel update") => ({ metadata: { annotations: { [LOCK]: value } } });
const strip = { metadata: { annotations: { [LOCK]: null } } };
const uncordon = { spec: { unschedulable: null } };

/** A way in which a lock ends. */
type End = (world: World, name: string) => Promise<ApiAnswer>;

const ENDS: [string, string, End][] = [
  ["the holder removes it", "x", (world, name) => patchNode(world, name, alice, strip)],
  [
    "the holder removes it and uncordons",
    "x",
    (world, name) => patchNode(world, name, alice, { ...strip, ...uncordon }),
  ],
  [
    "the holder's uncordon takes it along",
    '{"release":"uncordon"}',
    (world, name) => patchNode(world, name, alice, uncordon),
  ],
  [
    "the holder removes it by JSON patch",
    "x",
    (world, name) =>
      patchNode(
        world,
        name,
        alice,
        [{ op: "remove", path: `/metadata/annotations/${LOCK.replace("/", "~1")}` }],
        { contentType: JSON_PATCH },
      ),
  ],
  [
    "the holder removes it through nodes/status",
    "x",
    (world, name) => patchNode(world, name, alice, strip, { subresource: "status" }),
  ],
  ["the holder puts the node without it", "x", putWithoutLock],
  [
    "somebody breaks it",
    "x",
    (world, name) =>
      patchNode(world, name, breaker, { metadata: { annotations: { [OVERRIDE]: "fire" } }, ...uncordon }),
  ],
  [
    "the agent releases it after the reboot",
    '{"release":"reboot"}',
    async (world, name) => {
      await reboots(world, name);
      return patchNode(world, name, agentOn(name), strip);
    },
  ],
];

/** Without resourceVersion: the cordon's taint may come between, from a controller of a real cluster. */
async function putWithoutLock(world: World, name: string): Promise<ApiAnswer> {
  const { metadata, ...rest } = await getNode(world, name);
  const { [LOCK]: _, ...annotations } = metadata.annotations ?? {};
  const body = { ...rest, metadata: { ...metadata, annotations, resourceVersion: undefined } };
  return world.send({ as: alice, method: "PUT", path: `/api/v1/nodes/${name}`, body });
}

/** The two annotations in an answer's Node; null where absent. */
function awayIn(answer: ApiAnswer): Record<string, unknown> {
  const annotations = fields(fields(fields(answer.body)["metadata"])["annotations"]);
  return { [CA]: annotations[CA] ?? null, [KARPENTER]: annotations[KARPENTER] ?? null };
}

export function autoscalerScenarios(world: () => World): void {
  async function awayOn(name: string): Promise<Record<string, unknown>> {
    return awayIn({ status: 200, body: await getNode(world(), name), warnings: [] });
  }

  describe("autoscalers are kept away in the write that locks, and let back in the one that ends the lock", () => {
    test.each(ENDS)("%s", async (_name, value, end) => {
      const name = await createNode(world(), { unschedulable: true });
      const taken = await patchNode(world(), name, alice, lock(value));
      expect(awayIn(taken)).toEqual(AWAY);
      expect(await recordOf(world(), name)).toMatchObject({ autoscalers: { [CA]: null, [KARPENTER]: null } });
      const ended = await end(world(), name);
      expect(ended).toMatchObject({ status: 200 });
      expect(awayIn(ended)).toEqual({ [CA]: null, [KARPENTER]: null });
      expect(await stateOf(world(), name)).toMatchObject({ lock: undefined });
    });

    test.each(ENDS)("what stood there comes back: %s", async (_name, value, end) => {
      const annotations = { [CA]: "false", [KARPENTER]: "custom" };
      const name = await createNode(world(), { unschedulable: true, annotations });
      expect(awayIn(await patchNode(world(), name, alice, lock(value)))).toEqual(AWAY);
      expect(awayIn(await end(world(), name))).toEqual(annotations);
    });
  });

  test("a node created locked keeps them away too", async () => {
    const name = await createNode(world(), { annotations: { [LOCK]: "x" }, as: alice, unschedulable: true });
    expect(await awayOn(name)).toEqual(AWAY);
    expect(awayIn(await patchNode(world(), name, alice, strip))).toEqual({ [CA]: null, [KARPENTER]: null });
  });

  test("a refused end of the lock changes nothing", async () => {
    const name = await lockedNode(world());
    expect(await patchNode(world(), name, bob, strip)).toMatchObject({ status: 403 });
    expect(await awayOn(name)).toEqual(AWAY);
  });

  test("what somebody sets or removes while the node is locked stays so", async () => {
    const name = await lockedNode(world());
    await patchNode(world(), name, bob, { metadata: { annotations: { [CA]: "0", [KARPENTER]: null } } });
    expect(awayIn(await patchNode(world(), name, alice, strip))).toEqual({ [CA]: "0", [KARPENTER]: null });
  });

  test("what kept them away before the lock still does after it", async () => {
    const name = await createNode(world(), { unschedulable: true, annotations: AWAY });
    await patchNode(world(), name, alice, lock());
    expect(await recordOf(world(), name)).not.toHaveProperty("autoscalers");
    expect(awayIn(await patchNode(world(), name, alice, strip))).toEqual(AWAY);
  });

  test("the holder's change of its lock, whatever it claims, keeps what is to be given back", async () => {
    const name = await createNode(world(), { unschedulable: true, annotations: { [CA]: "false" } });
    await patchNode(world(), name, alice, lock());
    const claim = JSON.stringify({ reason: "longer", autoscalers: { [CA]: "evil" } });
    await patchNode(world(), name, alice, lock(claim));
    expect(await recordOf(world(), name)).toMatchObject({
      reason: "longer",
      autoscalers: { [CA]: "false", [KARPENTER]: null },
    });
    expect(awayIn(await patchNode(world(), name, alice, strip))).toEqual({
      [CA]: "false",
      [KARPENTER]: null,
    });
  });
}
