import { expect, test } from "vitest";
import { createAgentMetrics } from "./metrics.ts";

test("names have the agent's prefix, counters end in _total and labels are few", async () => {
  const { registry } = createAgentMetrics("1.2.3");
  const ours = (await registry.getMetricsAsJSON()).filter(({ name }) => name.startsWith("nodelatch_"));
  expect(ours.length).toBeGreaterThan(5);
  for (const { name, type } of ours) {
    expect(name).toMatch(/^nodelatch_(agent_|build_info$)/);
    expect(name.endsWith("_total")).toBe(String(type) === "counter");
  }
  const series = (await registry.metrics()).split("\n").filter((line) => line.startsWith("nodelatch_"));
  expect(series.length).toBeLessThan(200);
});

test("what was kept is of the last pass alone", async () => {
  const { registry, containers } = createAgentMetrics("1.2.3");
  containers.kept({ running: 3, ended: 1 });
  containers.kept({ running: 2 });
  const text = await registry.metrics();
  expect(text).toContain('nodelatch_agent_containers_kept{reason="running"} 2');
  expect(text).not.toContain('reason="ended"');
});

test("passes, reads and removals are counted", async () => {
  const metrics = createAgentMetrics("1.2.3");
  const { registry, containers } = metrics;
  containers.passed("boot", false, 1);
  containers.settled("steady", "clock-inverted", "busy");
  metrics.passed({ phase: "boot", result: "unread", unsettled: false, seconds: 0.3, report: undefined });
  metrics.passed({ phase: "steady", result: "off", unsettled: false, seconds: 0, report: undefined });
  metrics.event("lost");
  const text = await registry.metrics();
  for (const line of [
    'nodelatch_agent_runtime_reads_total{phase="boot",result="unread"} 1',
    'nodelatch_agent_removals_total{rule="clock-inverted",outcome="busy"} 1',
    'nodelatch_agent_passes_total{phase="boot",result="unread"} 1',
    'nodelatch_agent_pass_duration_seconds_count{phase="boot"} 1',
    'nodelatch_agent_pass_duration_seconds_count{phase="steady"} 0',
    'nodelatch_agent_events_total{result="lost"} 1',
  ]) {
    expect(text).toContain(line);
  }
});
