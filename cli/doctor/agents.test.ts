import { expect, test } from "vitest";
import { nodeView } from "../../lock/fixture.ts";
import { judgeAgents, type AgentFacts } from "./agents.ts";
import { GATE, type Kured } from "./kured.ts";

const known = <T>(value: T) => ({ kind: "known", value }) as const;
const unread = { kind: "unknown", why: "forbidden", isForbidden: true } as const;
const kured: Kured = {
  daemonSet: "kube-system/kured",
  username: "system:serviceaccount:kube-system:kured",
  rebootCommand: `/bin/sh -c '/bin/sh ${GATE} && reboot'`,
  bySignal: false,
  forced: false,
};
const agentOn = (node: string, ready = true) => ({
  name: `nodelatch-agent-${node}`,
  component: "agent",
  node,
  version: "1",
  ready,
});
const judge = (part: Partial<AgentFacts> = {}) =>
  judgeAgents({
    daemonSet: known({}),
    pods: [agentOn("a"), agentOn("b")],
    nodes: known([nodeView({ name: "a" }), nodeView({ name: "b" })]),
    kureds: known([]),
    namespace: "reboots",
    ...part,
  });

test("a ready agent on every node is well", () => {
  expect(judge()).toEqual({ level: "ok", check: "agents", text: "every one of 2 nodes has a ready agent" });
});

test.each([
  ["no pod", [agentOn("a")]],
  ["one that is not ready", [agentOn("a"), agentOn("b", false)]],
])("a node with %s is named", (_what, pods) => {
  expect(judge({ pods })).toMatchObject({ level: "warn", text: "no ready agent on 1 of 2 nodes: b" });
});

test("nodes that may not be read are skipped", () => {
  expect(judge({ nodes: unread })).toMatchObject({ level: "skip", text: "forbidden" });
});

test("a DaemonSet without pods is not taken for none: its namespace may refuse privileged pods", () => {
  expect(judge({ pods: [] })).toEqual({
    level: "warn",
    check: "agents",
    text: "DaemonSet reboots/nodelatch-agent has no pods",
    remedy:
      "kubectl -n reboots describe daemonset nodelatch-agent says why; if privileged pods are forbidden: " +
      "kubectl label namespace reboots pod-security.kubernetes.io/enforce=privileged",
  });
  expect(judge({ pods: [], daemonSet: unread })).toMatchObject({ level: "skip", text: "forbidden" });
});

test.each([
  ["nobody asks the gate", known([{ ...kured, rebootCommand: undefined }])],
  ["kured reboots by signal, and asks nothing", known([{ ...kured, bySignal: true }])],
  ["kureds may not be read", unread],
])("without an agent, one is told what there is not, if %s", (_what, kureds) => {
  expect(judge({ pods: [], daemonSet: known(undefined), kureds })).toEqual({
    level: "info",
    check: "agents",
    text: "the agent is not installed (agent.enabled): no gate, and no release of locks once a reboot is proven",
  });
});

test("without an agent, a kured that asks the gate never reboots", () => {
  const found = judge({ pods: [], daemonSet: known(undefined), kureds: known([kured]) });
  expect(found.level).toBe("warn");
  expect(found.text).toContain("kube-system/kured, which asks it, never reboots");
  expect(found.remedy).toContain("agent.enabled: true");
});
