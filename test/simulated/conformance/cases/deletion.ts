/** Deleting Nodes: preconditions, finalizers, collections. */
import { nodeFixture } from "../../node-fixture.ts";
import { get, MERGE, patch, post, remove } from "../step.ts";
import type { Step } from "../step.ts";

const NODES = "/api/v1/nodes";
const D1 = `${NODES}/d1`;

const node = (name: string, group: string): ReturnType<typeof nodeFixture> =>
  nodeFixture({ name, bootID: "boot", labels: { group } });

export const deletionSteps: readonly Step[] = [
  post("creates d1", NODES, node("d1", "one")),
  remove("refuses to delete what is not there", `${NODES}/d9`),
  remove("deletes on trial only", D1, { dryRun: ["All"] }),
  remove("deletes on trial by query only", `${D1}?dryRun=All`),
  remove("refuses a wrong uid as precondition", D1, { preconditions: { uid: "5" } }),
  patch("puts a finalizer on d1", D1, MERGE, { metadata: { finalizers: ["example.com/hold"] } }),
  remove("marks d1 as being deleted", D1),
  remove("leaves it so when deleted again", D1),
  patch(
    "refuses a new finalizer then",
    D1,
    MERGE,
    {
      metadata: { finalizers: ["example.com/hold", "example.com/more"] },
    },
    { loose: "the real server says it twice" },
  ),
  patch("cannot take the mark back", D1, MERGE, { metadata: { deletionTimestamp: null } }),
  patch("lets d1 go with its last finalizer", D1, MERGE, { metadata: { finalizers: null } }),
  get("has no d1 any more", D1),
  post("creates c1", NODES, node("c1", "many")),
  post("creates c2", NODES, node("c2", "many")),
  post("creates c3", NODES, node("c3", "other")),
  get("lists by label", `${NODES}?labelSelector=group%3Dmany`),
  get("lists by label set", `${NODES}?labelSelector=group%20in%20(many,x),!nothing`),
  get("lists by name", `${NODES}?fieldSelector=metadata.name%3Dc3`),
  get("lists by schedulability", `${NODES}?fieldSelector=spec.unschedulable%3Dtrue`),
  get("refuses an unknown field selector", `${NODES}?fieldSelector=spec.podCIDR%3Dx`),
  remove("deletes a collection by label", `${NODES}?labelSelector=group%3Dmany`),
  get("has left the others", `${NODES}?labelSelector=group`),
  remove("deletes the last", `${NODES}/c3`, {
    kind: "DeleteOptions",
    apiVersion: "v1",
    propagationPolicy: "Background",
  }),
];
