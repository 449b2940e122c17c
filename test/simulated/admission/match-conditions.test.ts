import { describe, expect, test } from "vitest";
import type { JsonObject } from "../objects/json.ts";
import { activation, compileCondition, matchConditions } from "./match-conditions.ts";

const KEY = "nodelatch.io/reboot-lock";
const OPTIONAL = [
  {
    name: "locked",
    expression: `oldObject != null && oldObject.?metadata.?annotations[?'${KEY}'].hasValue()`,
  },
  {
    name: "dangerous",
    expression: `object == null || object.?metadata.?annotations[?'${KEY}'] != oldObject.?metadata.?annotations[?'${KEY}'] || (oldObject.?spec.?unschedulable.orValue(false) && !object.?spec.?unschedulable.orValue(false))`,
  },
];
const HAS = [
  {
    name: "locked",
    expression: `request.operation != 'CREATE' && has(oldObject.metadata.annotations) && '${KEY}' in oldObject.metadata.annotations`,
  },
  {
    name: "dangerous",
    expression: `request.operation == 'DELETE' || !(has(object.metadata.annotations) && '${KEY}' in object.metadata.annotations && object.metadata.annotations['${KEY}'] == oldObject.metadata.annotations['${KEY}']) || (has(oldObject.spec.unschedulable) && oldObject.spec.unschedulable && !(has(object.spec.unschedulable) && object.spec.unschedulable))`,
  },
];

const node = (annotations: JsonObject | null, unschedulable: boolean): JsonObject => ({
  metadata: { name: "n1", ...(annotations === null ? {} : { annotations }) },
  spec: unschedulable ? { unschedulable } : {},
});
const locked = { [KEY]: "kernel" };

/** What was seen on a real server: facts/kured-observed.md 3. */
const SEEN: [string, string, JsonObject | null, JsonObject | null, "matches" | "excluded"][] = [
  ["uncordon", "UPDATE", node(locked, true), node(locked, false), "matches"],
  [
    "lock removed, other annotations left",
    "UPDATE",
    node({ ...locked, a: "b" }, true),
    node({ a: "b" }, true),
    "matches",
  ],
  ["all annotations removed", "UPDATE", node(locked, true), node(null, true), "matches"],
  ["lock emptied", "UPDATE", node(locked, true), node({ [KEY]: "" }, true), "matches"],
  ["lock changed", "UPDATE", node(locked, true), node({ [KEY]: "mine" }, true), "matches"],
  ["delete of a locked node", "DELETE", node(locked, true), null, "matches"],
  [
    "uncordon of a node locked with an empty value",
    "UPDATE",
    node({ [KEY]: "" }, true),
    node({ [KEY]: "" }, false),
    "matches",
  ],
  ["cordon of a locked node", "UPDATE", node(locked, false), node(locked, true), "excluded"],
  ["cordon again", "UPDATE", node(locked, true), node(locked, true), "excluded"],
  ["another annotation", "UPDATE", node(locked, true), node({ ...locked, a: "b" }, true), "excluded"],
  ["lock taken", "UPDATE", node(null, false), node(locked, false), "excluded"],
  ["uncordon of an unlocked node", "UPDATE", node({ a: "b" }, true), node({ a: "b" }, false), "excluded"],
  ["any write on a node without annotations", "UPDATE", node(null, true), node(null, false), "excluded"],
  ["delete of an unlocked node", "DELETE", node(null, true), null, "excluded"],
  ["create with a lock", "CREATE", null, node(locked, false), "excluded"],
];

describe.each([
  ["optional form", OPTIONAL],
  ["has() form", HAS],
])("the guard's conditions in %s", (_, conditions) => {
  test.each(SEEN)("%s", (_, operation, oldObject, object, expected) => {
    expect(matchConditions(conditions, activation({ operation }, object, oldObject)).kind).toBe(expected);
  });
});

describe("matchConditions()", () => {
  const values = activation({ operation: "UPDATE" }, node(null, false), node(null, false));
  const unguarded = { name: "bad", expression: `'${KEY}' in oldObject.metadata.annotations` };
  const never = { name: "never", expression: "false" };

  test("fails on a key that is not there, in the real server's words", () => {
    expect(matchConditions([unguarded], values)).toEqual({
      kind: "error",
      why: `expression ''${KEY}' in oldObject.metadata.annotations' resulted in error: no such key: annotations`,
    });
  });

  test("excludes if one condition is false, though another fails", () => {
    expect(matchConditions([unguarded, never], values)).toEqual({ kind: "excluded", condition: "never" });
  });

  test("knows integers as CEL does", () => {
    const numbered = activation({}, { n: 3, f: 2.5 }, null);
    const expression = "object.n + 1 == 4 && object.n > 2 && object.f < 3.0 && type(object.n) == int";
    expect(matchConditions([{ name: "n", expression }], numbered).kind).toBe("matches");
  });

  test.each([
    ["object.x ==", "compilation failed"],
    ["'x'", "must evaluate to bool but got string"],
    ["has(object.a['b'])", "compilation failed"],
    ["authorizer.group('x').check('y').allowed()", "authorizer"],
  ])("does not compile %s", (expression, why) => {
    expect(compileCondition(expression)).toMatchObject({
      kind: "bad",
      why: expect.stringContaining(why) as unknown,
    });
  });
});
