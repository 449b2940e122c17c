/** What nobody but the holder may do to a locked node, in every shape that a request can take (reboot-locks.md 5). */
import { describe, expect, test } from "vitest";
import type { ApiAnswer, Identity } from "./api-client.ts";
import {
  fields,
  getNode,
  JSON_PATCH,
  LOCK,
  lockedNode,
  MERGE,
  messageOf,
  patchNode,
  SCENARIO_LABEL,
  createNode,
  stateOf,
  STRATEGIC,
  nodeName,
} from "./nodes.ts";
import { alice, bob, breaker, clusterAdmin, kubelet, toolPod, type World } from "./world.ts";

export type Attack = (world: World, name: string, as: Identity) => Promise<ApiAnswer>;

const patch =
  (contentType: string, body: unknown, subresource?: "status"): Attack =>
  (world, name, as) =>
    patchNode(world, name, as, body, { contentType, ...(subresource === undefined ? {} : { subresource }) });

/** GET, change, PUT without resourceVersion, which Nodes allow. */
const put =
  (change: (node: Record<string, unknown>) => Record<string, unknown>, subresource = ""): Attack =>
  async (world, name, as) => {
    const { metadata, ...rest } = await getNode(world, name);
    const { resourceVersion: _, ...unversioned } = metadata;
    const body = change({ ...rest, metadata: { ...unversioned, annotations: { ...metadata.annotations } } });
    return world.send({ as, method: "PUT", path: `/api/v1/nodes/${name}${subresource}`, body });
  };

const annotated = (node: Record<string, unknown>, annotations: Record<string, string>) => ({
  ...node,
  metadata: { ...fields(node["metadata"]), annotations },
});
const scheduled = (node: Record<string, unknown>) => ({ ...node, spec: {} });

const POINTER = `/metadata/annotations/${LOCK.replace("/", "~1")}`;
const FORGED = JSON.stringify({
  acquiredAt: "1999-01-01T00:00:00Z",
  bootID: "boot-1",
  expiresAt: "1999-01-02T00:00:00Z",
  holder: "bob",
  nodeUID: "x",
  reason: "mine now",
  release: "explicit",
  wasUnschedulable: false,
});

export const UNCORDONS: [string, Attack][] = [
  ["strategic merge patch, null (kubectl uncordon)", patch(STRATEGIC, { spec: { unschedulable: null } })],
  ["strategic merge patch, false", patch(STRATEGIC, { spec: { unschedulable: false } })],
  ["merge patch, null", patch(MERGE, { spec: { unschedulable: null } })],
  ["merge patch, false", patch(MERGE, { spec: { unschedulable: false } })],
  ["JSON patch, remove", patch(JSON_PATCH, [{ op: "remove", path: "/spec/unschedulable" }])],
  ["JSON patch, replace", patch(JSON_PATCH, [{ op: "replace", path: "/spec/unschedulable", value: false }])],
  ["PUT without the field", put(scheduled)],
  ["PUT with lock and cordon gone at once", put((node) => scheduled(annotated(node, {})))],
  [
    "merge patch with lock and cordon gone at once",
    patch(MERGE, { metadata: { annotations: { [LOCK]: null } }, spec: { unschedulable: null } }),
  ],
  [
    "strategic merge patch with a forged lock and the cordon gone",
    patch(STRATEGIC, { metadata: { annotations: { [LOCK]: FORGED } }, spec: { unschedulable: null } }),
  ],
];

export const STRIPS: [string, Attack][] = [
  [
    "strategic merge patch, null (kubectl annotate KEY-)",
    patch(STRATEGIC, { metadata: { annotations: { [LOCK]: null } } }),
  ],
  ["merge patch, all annotations null", patch(MERGE, { metadata: { annotations: null } })],
  ["JSON patch, remove", patch(JSON_PATCH, [{ op: "remove", path: POINTER }])],
  ["PUT without annotations (kubectl replace, edit)", put((node) => annotated(node, {}))],
  ["nodes/status, merge patch", patch(MERGE, { metadata: { annotations: { [LOCK]: null } } }, "status")],
  [
    "nodes/status, strategic merge patch",
    patch(STRATEGIC, { metadata: { annotations: { [LOCK]: null } } }, "status"),
  ],
  ["nodes/status, PUT", put((node) => annotated(node, {}), "/status")],
];

const CHANGES: [string, Attack][] = [
  ["an empty value", patch(MERGE, { metadata: { annotations: { [LOCK]: "" } } })],
  ["another reason", patch(MERGE, { metadata: { annotations: { [LOCK]: "mine" } } })],
  ["a forged, expired record of one's own", patch(MERGE, { metadata: { annotations: { [LOCK]: FORGED } } })],
  ["broken JSON", patch(JSON_PATCH, [{ op: "replace", path: POINTER, value: '{"holder":' }])],
  [
    "the same through nodes/status",
    patch(MERGE, { metadata: { annotations: { [LOCK]: FORGED } } }, "status"),
  ],
];

export function refusedScenarios(world: () => World): void {
  async function expectRefused(attack: Attack, as: Identity): Promise<void> {
    const name = await lockedNode(world());
    const before = await stateOf(world(), name);
    const answer = await attack(world(), name, as);
    expect(answer).toMatchObject({ status: 403, body: { kind: "Status", reason: "Forbidden" } });
    expect(messageOf(answer)).toContain(`node ${name} is locked for reboot by alice (kernel update) since `);
    expect(await stateOf(world(), name)).toEqual(before);
    expect(before).toMatchObject({ cordoned: true });
  }

  describe("a stranger's uncordon is refused", () => {
    test.each(UNCORDONS)("%s", (_name, attack) => expectRefused(attack, bob));
  });
  describe("a stranger can't strip the lock", () => {
    test.each(STRIPS)("%s", (_name, attack) => expectRefused(attack, bob));
  });
  describe("a stranger can't change the lock", () => {
    test.each(CHANGES)("%s", (_name, attack) => expectRefused(attack, bob));
  });

  describe("wide rights alone break nothing", () => {
    test.each([...UNCORDONS, ...STRIPS])("a cluster admin: %s", (_name, attack) =>
      expectRefused(attack, clusterAdmin),
    );
    test.each([...UNCORDONS, ...STRIPS])("the right to override, unused: %s", (_name, attack) =>
      expectRefused(attack, breaker),
    );
  });

  describe("the kubelet's own identity is a stranger too", () => {
    test.each([...UNCORDONS.slice(0, 4), ...STRIPS])("%s", (_name, attack) =>
      expectRefused((to, name) => attack(to, name, kubelet(name)), bob),
    );
  });

  test("the exact message names node, holder, reason, time and remedy", async () => {
    const name = await lockedNode(world());
    const answer = await patchNode(world(), name, bob, { spec: { unschedulable: null } });
    expect(messageOf(answer)).toMatch(
      new RegExp(
        `^admission webhook "guard.nodelatch.io" denied the request: node ${name} is locked for reboot by alice ` +
          `\\(kernel update\\) since (?:\\d{4}-\\d\\d-\\d\\d )?\\d\\d:\\d\\dZ; ` +
          `to break it: kubectl annotate node ${name} nodelatch.io/override="<reason>"$`,
      ),
    );
  });

  test("a dry-run uncordon is refused as well", async () => {
    const name = await lockedNode(world());
    const answer = await patchNode(
      world(),
      name,
      bob,
      { spec: { unschedulable: null } },
      { query: "?dryRun=All" },
    );
    expect(answer.status).toBe(403);
  });

  describe("deletion", () => {
    test.each(["", "?dryRun=All", "?gracePeriodSeconds=0"])(
      "DELETE%s of a locked node is refused",
      async (query) => {
        const name = await lockedNode(world());
        const answer = await world().send({
          as: bob,
          method: "DELETE",
          path: `/api/v1/nodes/${name}${query}`,
        });
        expect(answer.status).toBe(403);
        expect(messageOf(answer)).toContain("before deleting the node, break the lock: ");
        expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
      },
    );

    test("a delete of a collection stops at the locked node", async () => {
      const group = nodeName();
      const name = await lockedNode(world(), { group });
      const selector = encodeURIComponent(`${SCENARIO_LABEL}=${group}`);
      const answer = await world().send({
        as: bob,
        method: "DELETE",
        path: `/api/v1/nodes?labelSelector=${selector}`,
      });
      expect(answer.status).toBe(403);
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });

    test("the kubelet can't delete its locked node to register anew", async () => {
      const name = await lockedNode(world());
      const answer = await world().send({
        as: kubelet(name),
        method: "DELETE",
        path: `/api/v1/nodes/${name}`,
      });
      expect(answer.status).toBe(403);
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });
  });

  describe("a pod's lock belongs to the pod on that node", () => {
    test.each([
      ["the same ServiceAccount on another node", () => toolPod("elsewhere")],
      [
        "the same ServiceAccount without a node (a stolen or impersonated identity)",
        (name: string) => withoutNode(toolPod(name)),
      ],
    ])("%s is refused", async (_name, as) => {
      const name = await lockedNode(world(), { holder: toolPod });
      for (const body of [
        { spec: { unschedulable: null } },
        { metadata: { annotations: { [LOCK]: null } } },
      ]) {
        expect(await patchNode(world(), name, as(name), body)).toMatchObject({ status: 403 });
      }
      expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
    });
  });

  test("a lock with an empty value holds; its taker is known all the same", async () => {
    const name = await lockedNode(world(), { value: "" });
    expect(await patchNode(world(), name, bob, { spec: { unschedulable: null } })).toMatchObject({
      status: 403,
    });
    expect(await stateOf(world(), name)).toMatchObject({ cordoned: true });
  });

  test("the holder's plain uncordon of an explicit lock says what to do first", async () => {
    const name = await lockedNode(world());
    const answer = await patchNode(world(), name, alice, { spec: { unschedulable: null } });
    expect(answer.status).toBe(403);
    expect(messageOf(answer)).toContain(
      `as the holder, remove the lock first: kubectl annotate node ${name} ${LOCK}-`,
    );
  });

  test("an unlocked neighbour is nobody's business", async () => {
    const name = await createNode(world(), { unschedulable: true });
    expect(await patchNode(world(), name, bob, { spec: { unschedulable: null } })).toMatchObject({
      status: 200,
    });
    expect(await stateOf(world(), name)).toEqual({ lock: undefined, cordoned: false });
  });
}

function withoutNode(identity: Identity): Identity {
  return { user: identity.user, groups: identity.groups };
}
