/** The CEL of the registrations for nodes, with a CEL library; test:cluster runs it in a real API server. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { at } from "./chart-files.ts";
import { chartTools, withTools } from "../test/simulated/chart-tools.ts";
import { activation, matchConditions, type Condition } from "../test/simulated/admission/match-conditions.ts";
import { MARK, MARKER, registrationCases, TOOL, type NodeState } from "./registration-cases.ts";

interface Registration {
  readonly resources: readonly string[];
  readonly operations: readonly string[];
  readonly conditions: readonly Condition[];
}

const tools = await chartTools([
  { preset: "kured", username: TOOL },
  {
    name: "marker",
    username: MARKER,
    lockOn: { annotationAdded: MARK },
    releaseOn: { annotationRemoved: MARK },
    perNode: true,
  },
]);
const guard = await registration("guard");
const latch = await registration("latch");
const latchTools = await registration("latch-tools");

test.each(registrationCases)("$name", ({ by, before, after, asked: expected }) => {
  const found = Object.entries({ guard, latch, "latch-tools": latchTools })
    .filter(([, registered]) => asked(registered, before, after, by))
    .map(([name]) => name);
  expect(found).toEqual(expected);
});

test("a node that never had annotations, spec or status is no error for any", () => {
  const nothing = { metadata: { name: "n1" } };
  for (const username of ["bob", TOOL, MARKER]) {
    const values = activation({ operation: "UPDATE", userInfo: { username } }, nothing, nothing);
    for (const { conditions } of [guard, latch, latchTools]) {
      expect(matchConditions(conditions, values).kind).toBe("excluded");
    }
  }
});

test("all are asked about nodes/status too, through which annotations can be changed, and about nothing else", () => {
  for (const { resources } of [guard, latch, latchTools])
    expect(resources).toEqual(["nodes", "nodes/status"]);
});

/** Whether the API server would call: the operation is registered and no condition excludes it. */
function asked(
  { operations, conditions }: Registration,
  before: NodeState | null,
  after: NodeState | null,
  username: string,
): boolean {
  const operation = before === null ? "CREATE" : after === null ? "DELETE" : "UPDATE";
  if (!operations.includes(operation)) return false;
  const result = matchConditions(
    conditions,
    activation({ operation, userInfo: { username } }, node(after), node(before)),
  );
  if (result.kind === "error") throw new Error(result.why);
  return result.kind === "matches";
}

function node(state: NodeState | null) {
  if (state === null) return null;
  const { annotations, unschedulable } = state;
  return {
    metadata: { name: "n1", ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
    spec: unschedulable === undefined ? {} : { unschedulable },
  };
}

async function registration(name: string): Promise<Registration> {
  const file = fileURLToPath(new URL(`nodelatch/registrations/${name}.yaml`, import.meta.url));
  const parsed: unknown = parse(withTools(await readFile(file, "utf8"), tools));
  const rules = items(parsed, "rules");
  return {
    resources: rules.flatMap((rule) => items(rule, "resources").map(String)),
    operations: rules.flatMap((rule) => items(rule, "operations").map(String)),
    conditions: items(parsed, "matchConditions").map((condition) => ({
      name: String(at(condition, "name")),
      expression: String(at(condition, "expression")),
    })),
  };
}

function items(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  if (!Array.isArray(found)) throw new TypeError(`${key}: expected a list`);
  return found;
}
