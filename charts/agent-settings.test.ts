/** The chart's DaemonSet and the agent have to agree on settings and defaults. */
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readConfig } from "../daemonset/config.ts";
import { SETTINGS } from "../daemonset/settings.ts";
import { at, chartFile } from "./chart-files.ts";

/** Settings that the chart leaves at their defaults, as its paths are fixed, or to agent.extraArgs. */
const notPassed = [
  "boot-grace",
  "by-hand",
  "cni-quarantine",
  "kubeconfig",
  "node-name", // from NODE_NAME
  "output",
  "pass-budget",
  "pod-uid", // from POD_UID
  "run-dir",
  "shutdown-grace",
  "state-dir",
  "steady-grace",
];

/** What only a pod needs: it sees the node through /proc/1/root. */
const inAPodOnly = ["host-root", "lock-command", "bus-address"];

/** As the downward API sets it. */
const POD = { NODE_NAME: "n1", POD_UID: "11111111-2222-4333-8444-555555555555" };

const values: unknown = parse(await chartFile("values.yaml"));
const daemonSet = await chartFile("templates/agent/daemonset.yaml");
const passed = [...daemonSet.matchAll(/^\s+- "?--([a-z-]+)=(.*?)"?$/gm)].map(([, flag = "", value = ""]) => ({
  flag,
  value,
}));

test("the chart passes every setting of the agent but those left out on purpose, and no other", () => {
  const known = Object.values(SETTINGS).map(({ flag }) => flag);
  expect([...passed.map(({ flag }) => flag), ...notPassed].sort()).toEqual(known.toSorted());
});

test("the chart's default values are settings the agent takes, and its own defaults", () => {
  const flags = passed
    .filter(({ flag }) => !inAPodOnly.includes(flag))
    .map(({ flag, value }) => `--${flag}=${rendered(value)}`);
  expect(readConfig(flags, POD).kind).toBe("run");
  expect(readConfig(flags, POD)).toEqual(readConfig([], POD));
});

test("what only a pod needs are settings the agent takes", () => {
  const flags = passed
    .filter(({ flag }) => inAPodOnly.includes(flag))
    .map(({ flag, value }) => `--${flag}=${value}`);
  expect(flags).toHaveLength(inAPodOnly.length);
  expect(readConfig(flags, POD).kind).toBe("run");
});

/** What Helm makes of plain text and of the expressions that the template uses. */
function rendered(template: string): string {
  const found =
    /^\{\{ (?:join "," |ternary "on" "off" |include "nodelatch.passMode" )?\$a\.([A-Za-z.]+) \}\}$/.exec(
      template,
    );
  if (found === null) throw new Error(`the template says ${template}, which this test can't read`);
  const value = at(values, "agent", ...(found[1] ?? "").split("."));
  if (Array.isArray(value)) return value.join(",");
  if (template.includes("ternary")) return value === true ? "on" : "off";
  return String(value);
}
