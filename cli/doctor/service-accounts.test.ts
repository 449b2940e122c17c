import { readFile } from "node:fs/promises";
import { afterAll, beforeEach, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { isObject, objectAt, textAt } from "../../kube/json.ts";
import { status } from "../../kube/testing/api-server.ts";
import { run } from "../testing/cli-kit.ts";
import { answerEmpty, KubeconfigKit } from "../testing/kubeconfig-kit.ts";
import { needsOf } from "./service-accounts.ts";

const WEBHOOK = ["--guard-mode=enforce", "--carry-out-uncordons=true", "--events=on"];
const AGENT = ["--api=on"];

const kit = await KubeconfigKit.start();
const file = await kit.kubeconfig("config");
afterAll(async () => kit.close());

/** `verb resource` of what the accounts may not. */
let denied: readonly string[];
let mayAsk: boolean;
let args: { readonly webhook: readonly string[]; readonly agent: readonly string[] | undefined };
beforeEach(() => {
  denied = [];
  mayAsk = true;
  args = { webhook: WEBHOOK, agent: AGENT };
  kit.server.requests.length = 0;
  kit.server.answer = (asked) => {
    const { path, body } = asked;
    if (path === "/version") return { status: 200, json: { major: "1", minor: "35", gitVersion: "v1.35.4" } };
    if (path.endsWith("/deployments/nodelatch-webhook")) return workload(args.webhook);
    if (path.endsWith("/daemonsets/nodelatch-agent")) return workload(args.agent);
    if (path.endsWith("/subjectaccessreviews") && mayAsk) {
      const attributes = objectAt(objectAt(body, "spec"), "resourceAttributes");
      const allowed = !denied.includes(`${textAt(attributes, "verb")} ${textAt(attributes, "resource")}`);
      return { status: 201, json: { kind: "SubjectAccessReview", status: { allowed } } };
    }
    if (path === "/api/v1/nodes") return answerEmpty(asked);
    return status(403, "Forbidden", "you may not");
  };
});

function workload(words: readonly string[] | undefined) {
  if (words === undefined) return status(404, "NotFound", "not found");
  return { status: 200, json: { spec: { template: { spec: { containers: [{ args: words }] } } } } };
}

async function told(): Promise<readonly string[]> {
  const { out } = await run(["doctor", "--kubeconfig", file, "-n", "elsewhere"]);
  return out
    .split("\n")
    .filter((line) => line.includes(" service-accounts "))
    .map((line) => line.replace(/ +/g, " "));
}

test("every right is asked for in the name of its ServiceAccount; with all of them all is well", async () => {
  expect(await told()).toEqual(["ok service-accounts webhook and agent have the rights that they need"]);
  const asked = kit.server.requests
    .filter(({ path }) => path.endsWith("/subjectaccessreviews"))
    .map(({ body }) => {
      const spec = objectAt(body, "spec");
      const attributes = objectAt(spec, "resourceAttributes");
      return [textAt(spec, "user"), textAt(attributes, "verb"), textAt(attributes, "resource")].join(" ");
    });
  const webhook = "system:serviceaccount:elsewhere:nodelatch-webhook";
  const agent = "system:serviceaccount:elsewhere:nodelatch-agent";
  expect(asked).toEqual([
    `${webhook} create subjectaccessreviews`,
    `${webhook} get validatingwebhookconfigurations`,
    `${webhook} get mutatingwebhookconfigurations`,
    `${webhook} patch nodes`,
    `${webhook} create events`,
    `${agent} get nodes`,
    `${agent} patch nodes`,
    `${agent} list pods`,
    `${agent} create events`,
    // Who may patch nodes needs a policy (own-policies.ts).
    `${agent} patch nodes`,
    `${webhook} patch nodes`,
  ]);
});

test("each that is missing is told, with what does not work", async () => {
  denied = ["create subjectaccessreviews", "list pods", "create events"];
  expect(await told()).toEqual([
    "fail service-accounts ServiceAccount nodelatch-webhook may not create subjectaccessreviews.authorization.k8s.io: every break-glass is refused, and no refused uncordon is carried out",
    "warn service-accounts ServiceAccount nodelatch-webhook may not create events: refusals leave no Events",
    "fail service-accounts ServiceAccount nodelatch-agent may not list pods: the gate stays shut",
    "warn service-accounts ServiceAccount nodelatch-agent may not create events: refused reboots leave no Events",
  ]);
});

test("who may not ask is not told that something is wrong", async () => {
  mayAsk = false;
  expect(await told()).toEqual(["skip service-accounts you may not"]);
});

test("what is switched off, or not there, needs nothing", () => {
  const verbs = (flags: Parameters<typeof needsOf>[0]): readonly string[] =>
    needsOf(flags).map(({ account, attributes }) => `${account} ${attributes.verb} ${attributes.resource}`);
  const least = verbs({ webhook: undefined, agent: undefined });
  expect(least).toHaveLength(3);
  expect(verbs({ webhook: ["--guard-mode=warn", ...WEBHOOK.slice(1, 2)], agent: ["--api=off"] })).toEqual(
    least,
  );
  expect(
    verbs({ webhook: ["--guard-mode=enforce", "--carry-out-uncordons=false"], agent: undefined }),
  ).toEqual(least);
  expect(verbs({ webhook: WEBHOOK, agent: undefined })).toEqual([
    ...least,
    "nodelatch-webhook patch nodes",
    "nodelatch-webhook create events",
  ]);
});

const texts = (list: unknown): readonly unknown[] => (Array.isArray(list) ? list : []);

/** Rules of the ClusterRoles in a template of the chart, whatever its values say. */
async function rulesIn(template: string): Promise<readonly unknown[]> {
  const file = new URL(`../../charts/nodelatch/templates/${template}`, import.meta.url);
  const text = (await readFile(file, "utf8")).replaceAll(/\{\{[^}]*\}\}/g, "");
  return parseAllDocuments(text).flatMap((document) => {
    const json: unknown = document.toJS();
    return isObject(json) && json["kind"] === "ClusterRole" ? texts(json["rules"]) : [];
  });
}

test.each([
  ["nodelatch-webhook", "webhook/rbac.yaml"],
  ["nodelatch-agent", "agent/rbac.yaml"],
])("what %s needs, the chart gives it", async (name, template) => {
  const rules = await rulesIn(template);
  const needs = needsOf({ webhook: WEBHOOK, agent: AGENT }).filter(({ account }) => account === name);
  for (const { attributes } of needs) {
    // Events have a Role of their own.
    if (attributes.resource === "events") continue;
    const gives = rules.some((rule) => {
      const { apiGroups, resources, verbs } = isObject(rule) ? rule : {};
      return (
        texts(apiGroups).includes(attributes.group) &&
        texts(resources).includes(attributes.resource) &&
        texts(verbs).includes(attributes.verb)
      );
    });
    expect([attributes, gives]).toEqual([attributes, true]);
  }
});
