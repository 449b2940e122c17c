/** The guard's conditions against every dangerous and every ordinary write; then mutation. */
import type { JsonObject } from "../../objects/json.ts";
import { get, JSON_PATCH, MERGE, patch, put, remove, STRATEGIC } from "../step.ts";
import type { Step } from "../step.ts";
import { label, MUTATING, VALIDATING, W1 } from "./registration.ts";
import type { Registration } from "./registration.ts";

const LOCK = "nodelatch.io/reboot-lock";
const AT_ONCE = { loose: "two webhooks are asked at once, in no order" };

/** kured-observed.md 3, the recommended form. */
const CONDITIONS = [
  {
    name: "locked",
    expression: `oldObject != null && oldObject.?metadata.?annotations[?'${LOCK}'].hasValue()`,
  },
  {
    name: "dangerous",
    expression: `object == null || object.?metadata.?annotations[?'${LOCK}'] != oldObject.?metadata.?annotations[?'${LOCK}'] || (oldObject.?spec.?unschedulable.orValue(false) && !object.?spec.?unschedulable.orValue(false))`,
  },
];

const cordon = { spec: { unschedulable: true } };
const uncordon = { spec: { unschedulable: null } };
const lock = (value: string | null): JsonObject => ({ metadata: { annotations: { [LOCK]: value } } });

export function guardSteps({ hook, validating, register }: Registration): readonly Step[] {
  return [
    register("registers the guard's conditions", validating(hook("deny", { matchConditions: CONDITIONS }))),
    patch("lets an unlocked node be cordoned", W1, STRATEGIC, cordon),
    patch("lets an unlocked node be uncordoned", W1, STRATEGIC, uncordon),
    patch("lets it be cordoned again", W1, STRATEGIC, cordon),
    patch("lets a lock be taken", W1, MERGE, lock("kernel")),
    patch("lets a heartbeat of a locked node by", `${W1}/status`, STRATEGIC, {
      status: { phase: "Pending" },
    }),
    patch("lets a locked node be labelled", W1, MERGE, label("locked")),
    patch("lets a locked node be tainted", W1, STRATEGIC, {
      spec: { taints: [{ key: "a", effect: "NoExecute" }] },
    }),
    patch("lets a locked node be cordoned again", W1, STRATEGIC, cordon),
    patch("lets the lock be written as it is", W1, MERGE, lock("kernel")),
    patch("asks about an uncordon of a locked node", W1, STRATEGIC, uncordon),
    patch("asks about false as well", W1, MERGE, { spec: { unschedulable: false } }),
    patch("asks about a removal by JSON patch", W1, JSON_PATCH, [
      { op: "remove", path: "/spec/unschedulable" },
    ]),
    put(
      "asks about a replacement without the field",
      W1,
      async (current) => ({ ...(await current(W1)), spec: {} }),
      {
        loose: "the provider id may not go: refused before anybody is asked",
      },
    ),
    put("asks about a replacement without annotations", W1, async (current) => {
      const node = await current(W1);
      return { ...node, metadata: { name: "w1" } };
    }),
    patch("asks about a lock taken away", W1, MERGE, lock(null)),
    patch("asks about a lock emptied", W1, MERGE, lock("")),
    patch("asks about a lock taken away through status", `${W1}/status`, MERGE, {
      metadata: { annotations: null },
    }),
    patch("lets status not uncordon", `${W1}/status`, MERGE, { spec: { unschedulable: null } }),
    remove("asks about a delete of a locked node", W1),
    remove("asks about a collection with a locked node", "/api/v1/nodes?fieldSelector=metadata.name%3Dw1"),
  ];
}

export function mutationSteps({ hook, validating, mutating, register }: Registration): readonly Step[] {
  const second = { name: "second.test.example.com" };
  return [
    register("registers a mutating webhook", mutating(hook("mutate"))),
    register("registers two validating ones", validating(hook("allow"), hook("warn", second))),
    patch("shows the mutated object to the others", W1, MERGE, label("mutated"), AT_ONCE),
    get("has stored what was mutated", W1),
    register("registers one validating webhook", validating(hook("allow"))),
    patch("asks both in turn", W1, MERGE, label("in-turn")),
    patch("asks both about a status", `${W1}/status`, MERGE, {
      spec: { unschedulable: false },
      status: { phase: "x" },
    }),
    register("registers an idle mutation", mutating(hook("mutate-zero"))),
    patch("drops a zero value that was patched in", `${W1}?dryRun=All`, STRATEGIC, uncordon),
    register("registers a broken mutation", mutating(hook("mutate-broken"))),
    patch("fails on a patch that does not apply", W1, MERGE, label("broken"), {
      loose: "the patch library's words are its own",
    }),
    register("registers a patch without a type", mutating(hook("patch-without-type"))),
    patch("fails on a patch without a type", W1, MERGE, label("untyped")),
    register("registers a mutation of deletes", mutating(hook("mutate"))),
    remove("fails on a patch of a delete", W1),
    remove("removes the mutating configuration", `${MUTATING}/test`, undefined, { settles: true }),
    remove("removes the validating configuration", `${VALIDATING}/test`, undefined, { settles: true }),
    remove("deletes w1", W1),
  ];
}
