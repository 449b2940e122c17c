import { beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { at } from "../../charts/chart-files.ts";
import { writeToolList } from "../../lock/tool-list.ts";
import { LOCK } from "../scenarios/nodes.ts";
import { helmSettings, SCENARIO_TOOLS } from "../scenarios/tool-identities.ts";
import { chartTools } from "../simulated/chart-tools.ts";
import { registrations } from "../simulated/registrations.ts";
import { type Cluster, openTestCluster } from "./cluster/cluster.ts";
import { InstalledAgent } from "./installed-agent.ts";
import {
  CHART,
  installAsByDefault,
  installNodelatch,
  NAMESPACE,
  podsGone,
  RELEASE,
  waitUntilAnswering,
} from "./nodelatch.ts";

let cluster: Cluster;

beforeAll(async () => {
  cluster = await openTestCluster();
  await installNodelatch(cluster);
});

const SECRET = ["get", "secret", "nodelatch-webhook-tls", "-n", NAMESPACE];
const bundle = (kind: string) =>
  cluster.kubectl(["get", kind, "nodelatch", "-o=jsonpath={.webhooks[*].clientConfig.caBundle}"]);
const authority = () => cluster.kubectl([...SECRET, "-o=jsonpath={.data.ca\\.crt}"]);

test("an upgrade and a rollback keep the certificates and the registered CA", async () => {
  const before = { ca: await authority(), guard: await bundle("validatingwebhookconfiguration") };
  expect(before.ca).not.toBe("");
  expect(before.guard).not.toBe("");
  await installNodelatch(cluster, ["guard.onExpired=deny", "webhook.logLevel=debug"]);
  expect({ ca: await authority(), guard: await bundle("validatingwebhookconfiguration") }).toEqual(before);
  await cluster.helm(["rollback", RELEASE, "-n", NAMESPACE, "--wait", "--timeout=180s"], {
    timeoutMillis: 200_000,
  });
  await waitUntilAnswering(cluster);
  expect({ ca: await authority(), guard: await bundle("validatingwebhookconfiguration") }).toEqual(before);
});

test("helm lint has nothing to say but that there is no icon", async () => {
  const said = await cluster.helm(["lint", "--strict", CHART]);
  expect(said.split("\n").filter((line) => line.startsWith("["))).toEqual([
    "[INFO] Chart.yaml: icon is recommended",
  ]);
});

test.each([
  ["by default", [], true],
  ["with agent.enabled off", ["agent.enabled=false"], false],
])("the agent is rendered %s: %s", async (_when, settings, expected) => {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const rendered = await cluster.helm(["template", RELEASE, CHART, "-n", NAMESPACE, ...set]);
  expect(/^kind: DaemonSet$/m.test(rendered)).toBe(expected);
  expect(rendered.includes("app.kubernetes.io/component: agent")).toBe(expected);
});

test("values that can't be are refused by the schema before anything is touched", async () => {
  const upgrade = ["upgrade", RELEASE, CHART, "-n", NAMESPACE, "--reuse-values"];
  const { code, stderr } = await cluster.tryHelm([...upgrade, "--set", "guard.mode=sometimes"]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("mode");
});

test.each([
  ["the chart's own", undefined, []],
  ["those of the scenarios", SCENARIO_TOOLS, helmSettings(SCENARIO_TOOLS)],
])("tools, %s, become what the embedded API server gets", async (_which, entries, settings) => {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const rendered = await cluster.helm(["template", RELEASE, CHART, "-n", NAMESPACE, ...set]);
  const objects = rendered.split(/^---$/m).map((text) => {
    const object: unknown = parse(text);
    return object;
  });
  const tools = await chartTools(entries);
  expect(rendered).toContain(`- --tools=${writeToolList(tools)}\n`);
  for (const { kind, webhooks } of await registrations(NAMESPACE, "nodelatch-webhook", tools)) {
    const configuration = objects.find((object) => at(object, "kind") === kind);
    expect(at(configuration, "webhooks")).toEqual(webhooks);
  }
});

test("one tool twice is refused", async () => {
  const set = ["--set", "tools[0].preset=kured,tools[1].preset=kured,tools[1].username=bob"];
  const { code, stderr } = await cluster.tryHelm(["upgrade", RELEASE, CHART, "-n", NAMESPACE, ...set]);
  expect(code).not.toBe(0);
  expect(stderr).toContain('tools: name "kured" is given twice');
});

test("a preset that does not exist is refused with those that do", async () => {
  const upgrade = [
    "upgrade",
    RELEASE,
    CHART,
    "-n",
    NAMESPACE,
    "--reuse-values",
    "--set",
    "tools[0].preset=nobody",
  ];
  const { code, stderr } = await cluster.tryHelm(upgrade);
  expect(code).not.toBe(0);
  expect(stderr).toContain('tools: no preset "nobody"; there are flatcar, kured, medik8s');
});

test("the ServiceAccount may do what it needs and nothing else", async () => {
  const account = `--as=system:serviceaccount:${NAMESPACE}:nodelatch-webhook`;
  const can = async (...argv: string[]) =>
    (await cluster.tryKubectl(["auth", "can-i", ...argv, account])).stdout.trim() === "yes";
  expect(await can("create", "subjectaccessreviews.authorization.k8s.io")).toBe(true);
  expect(await can("get", "secret/nodelatch-webhook-tls", "-n", NAMESPACE)).toBe(true);
  expect(await can("patch", "validatingwebhookconfiguration/nodelatch")).toBe(true);
  expect(await can("create", "events", "-n", "default")).toBe(true);
  expect(await can("patch", "nodes")).toBe(true);
  expect(await can("update", "nodes")).toBe(false);
  expect(await can("delete", "nodes")).toBe(false);
  expect(await can("patch", "nodes", "--subresource=status")).toBe(false);
  expect(await can("get", "secrets", "-n", "kube-system")).toBe(false);
  expect(await can("list", "secrets", "-n", NAMESPACE)).toBe(false);
  expect(await can("patch", "validatingwebhookconfiguration/other")).toBe(false);
  expect(await can("override", "rebootlocks.nodelatch.io/node1")).toBe(false);
});

test.each([
  ["by default", [], true],
  ["with guard.carryOutUncordons off", ["guard.carryOutUncordons=false"], false],
  ["in mode warn", ["guard.mode=warn"], false],
  ["in mode off", ["guard.mode=off"], false],
])("the webhook gets the right to patch nodes, and a policy, %s: %s", async (_when, settings, expected) => {
  const set = settings.flatMap((setting) => ["--set", setting]);
  const rendered = await cluster.helm(["template", RELEASE, CHART, "-n", NAMESPACE, ...set]);
  const objects = rendered.split(/^---$/m).map((text): unknown => parse(text));
  const role = objects.find(
    (object) =>
      at(object, "kind") === "ClusterRole" && at(object, "metadata", "name") === "nodelatch-webhook",
  );
  const rules = at(role, "rules");
  expect(Array.isArray(rules) && rules.length > 1).toBe(true);
  const patch = { apiGroups: [""], resources: ["nodes"], verbs: ["patch"] };
  const found = Array.isArray(rules) && rules.some((rule) => JSON.stringify(rule) === JSON.stringify(patch));
  expect(found).toBe(expected);
  const policies = objects.filter((object) =>
    String(at(object, "kind")).startsWith("ValidatingAdmissionPolicy"),
  );
  const own = policies.filter((object) => at(object, "metadata", "name") === "nodelatch-webhook");
  expect(own.map((object) => at(object, "kind"))).toEqual(
    expected ? ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] : [],
  );
});

test("an uninstall leaves nothing that blocks anything", async () => {
  const node = `helm-locked-${Date.now()}`;
  await cluster.createFakeNode(node, { unschedulable: true });
  await cluster.kubectl(["annotate", "node", node, `${LOCK}=x`, "--as=alice", "--as-group=system:masters"]);
  await cluster.helm(["uninstall", RELEASE, "-n", NAMESPACE, "--wait", "--timeout=180s"], {
    timeoutMillis: 200_000,
  });
  // helm does not wait for pods that serve on while they drain.
  await podsGone(cluster);
  const left = await cluster.kubectl([
    "get",
    "validatingwebhookconfigurations,mutatingwebhookconfigurations,clusterroles,clusterrolebindings," +
      "validatingadmissionpolicies,validatingadmissionpolicybindings",
    "-l",
    "app.kubernetes.io/name=nodelatch",
    "-o",
    "name",
  ]);
  expect(left).toBe("");
  const inNamespace = [
    "get",
    "all,secrets,roles,rolebindings,serviceaccounts,pdb",
    "-n",
    NAMESPACE,
    "-o",
    "name",
  ];
  expect((await cluster.kubectl(inNamespace)).trim()).toBe("serviceaccount/default");
  await cluster.kubectl(["uncordon", node]);
  await cluster.kubectl(["delete", "node", node]);
  expect(
    (
      await cluster.kubectl([
        "get",
        "events,roles,rolebindings",
        "-n",
        "default",
        "-l",
        "app.kubernetes.io/name=nodelatch",
        "-o",
        "name",
      ])
    ).trim(),
  ).toBe("");
});

test("a fresh install on the same cluster works again, with an agent by default", async () => {
  await installAsByDefault(cluster);
  expect(await bundle("mutatingwebhookconfiguration")).not.toBe("");
  const counts = "-o=jsonpath={.status.numberReady} of {.status.desiredNumberScheduled}";
  const agent = new InstalledAgent(cluster, "node1");
  await agent.waitUntilReady();
  expect(await cluster.kubectl(["get", "daemonset", "nodelatch-agent", "-n", NAMESPACE, counts])).toBe(
    "1 of 1",
  );
  await installNodelatch(cluster);
  const left = await cluster.kubectl(["get", "daemonsets", "-n", NAMESPACE, "-o", "name"]);
  expect(left).toBe("");
});
