/** The chart's reboot tools: presets, defaults, and what becomes of them in the webhook and in CEL. */
import { expect, test } from "vitest";
import { parse } from "yaml";
import { toolAnnotations, type Tool } from "../lock/tool.ts";
import { chartTools, withTools } from "../test/simulated/chart-tools.ts";
import { SETTINGS } from "../webhook/settings.ts";
import { at, chartFile, isMap } from "./chart-files.ts";

const presets: unknown = parse(await chartFile("tools/presets.yaml"));
const names = isMap(presets) ? Object.keys(presets) : [];

test("the chart's default is the webhook's own: kured alone", async () => {
  const tools = await chartTools();
  expect(tools).toEqual(SETTINGS.tools.fallback);
  expect(tools.map(({ name }) => name)).toEqual(["kured"]);
});

test("every preset is a tool that the webhook takes", async () => {
  const tools = await chartTools(names.map((preset) => ({ preset })));
  expect(tools.map(({ name }) => name)).toEqual(names);
  expect(names).toEqual(["kured", "system-upgrade-controller", "flatcar", "medik8s"]);
});

test("only what was run is called tested", () => {
  expect(names.filter((name) => at(presets, name, "tested") === true)).toEqual(["kured"]);
  expect(names.filter((name) => typeof at(presets, name, "tested") !== "boolean")).toEqual([]);
});

test("every field of a preset may be overridden, with false as well", async () => {
  const key = "example.com/a";
  const [tool] = await chartTools([
    {
      preset: "kured",
      name: "mine",
      username: "bob",
      lockOn: { annotationAdded: key },
      releaseOn: { annotationRemoved: key },
      perNode: false,
      ttl: "4h",
    },
  ]);
  expect(tool).toEqual<Tool>({
    name: "mine",
    username: "bob",
    lockOn: { kind: "annotation-added", key },
    releaseOn: { kind: "annotation-removed", key },
    ttlMillis: 14_400_000,
    perNode: false,
  });
  expect([...toolAnnotations(tool === undefined ? [] : [tool])]).toEqual([key]);
});

test("a preset that does not exist is refused by the chart's own words", async () => {
  await expect(chartTools([{ preset: "nobody" }])).rejects.toThrow('no preset "nobody"');
});

test("users and annotations stand in CEL as lists of texts", async () => {
  const [tool] = await chartTools([{ preset: "kured", lockOn: { annotationAdded: "a.io/b" } }]);
  const tools = tool === undefined ? [] : [tool];
  const text = "u in NODELATCH_TOOL_USERS || NODELATCH_TOOL_ANNOTATIONS.exists(k, true)";
  expect(withTools(text, tools)).toBe(
    "u in ['system:serviceaccount:kube-system:kured'] || ['a.io/b'].exists(k, true)",
  );
  expect(withTools(text, [])).toBe("u in [] || [].exists(k, true)");
});

test("the placeholders of the registrations are those that the templates replace", async () => {
  const helpers = await chartFile("templates/_helpers.tpl");
  const files = await Promise.all(
    ["guard", "latch", "latch-tools"].map((name) => chartFile(`registrations/${name}.yaml`)),
  );
  const used = new Set(files.flatMap((file) => file.match(/NODELATCH_[A-Z_]+/g) ?? []));
  expect([...used].toSorted()).toEqual(["NODELATCH_TOOL_ANNOTATIONS", "NODELATCH_TOOL_USERS"]);
  for (const placeholder of used) expect(helpers).toContain(`replace "${placeholder}"`);
});

// Entries of one configuration are called in their order, and latch-tools relies on it.
test("the latch is registered before the one for tools", async () => {
  const template = await chartFile("templates/webhook/mutatingwebhookconfiguration.yaml");
  const files = [...template.matchAll(/registrations\/([a-z-]+)\.yaml/g)].map(([, name]) => name);
  expect(files.slice(0, 2)).toEqual(["latch", "latch-tools"]);
});
