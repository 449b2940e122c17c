import { expect, test } from "vitest";
import { decideOnTerm, shutdownBudgetMillis, type TermFacts } from "./decide.ts";

test.each([
  ["logind's default", 5_000, 10_000, 4_000],
  ["logind can't be asked: its default is assumed", undefined, 10_000, 4_000],
  ["a generous logind: the setting bounds", 60_000, 10_000, 10_000],
  ["unattended-upgrades' 30 s", 30_000, 60_000, 29_000],
  ["no bound at all", Infinity, 10_000, 10_000],
  ["less than the reserve", 800, 10_000, 0],
  ["nothing", 0, 10_000, 0],
  ["exactly the reserve", 1_000, 10_000, 0],
  ["a setting of nothing", 5_000, 0, 0],
])("budget: %s", (_what, delayMaxMillis, settingMillis, budget) => {
  expect(shutdownBudgetMillis(delayMaxMillis, settingMillis)).toBe(budget);
});

const clean = "clean";
const leave = "leave";
test.each<[string, TermFacts, "clean" | "leave"]>([
  ["a rollout", { preparing: false, announced: false, systemState: "running" }, leave],
  [
    "a rollout on a node with a failed unit",
    { preparing: false, announced: false, systemState: "degraded" },
    leave,
  ],
  ["logind prepares a shutdown", { preparing: true, announced: true, systemState: "running" }, clean],
  [
    "the same, announced before this process was there",
    { preparing: true, announced: false, systemState: undefined },
    clean,
  ],
  [
    "systemd stops the node, without logind",
    { preparing: undefined, announced: false, systemState: "stopping" },
    clean,
  ],
  [
    "systemd stops the node, logind says no",
    { preparing: false, announced: false, systemState: "stopping" },
    clean,
  ],
  [
    "announced, then the bus is gone",
    { preparing: undefined, announced: true, systemState: undefined },
    clean,
  ],
  [
    "announced, but logind says by now that nothing is prepared",
    { preparing: false, announced: true, systemState: "running" },
    leave,
  ],
  ["the bus can't be reached", { preparing: undefined, announced: false, systemState: undefined }, leave],
  [
    "logind can't be reached, systemd runs",
    { preparing: undefined, announced: false, systemState: "running" },
    leave,
  ],
  [
    "a state of systemd that is not known",
    { preparing: undefined, announced: false, systemState: "Stopping" },
    leave,
  ],
  ["systemd still starts", { preparing: false, announced: false, systemState: "starting" }, leave],
])("SIGTERM: %s", (_what, facts, kind) => {
  expect(decideOnTerm(facts).kind).toBe(kind);
});
