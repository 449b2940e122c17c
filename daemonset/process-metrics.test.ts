import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { registerProcessMetrics } from "./process-metrics.ts";

async function scrape(registry: Registry): Promise<ReadonlyMap<string, number>> {
  const lines = (await registry.metrics()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const [name = "", value] = line.split(" ");
      return [name, Number(value)];
    }),
  );
}

test("they are those of this process, read at each scrape", async () => {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const first = await scrape(registry);
  expect([...first.keys()]).toEqual([
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "nodejs_heap_size_used_bytes",
    "process_open_fds",
    "process_start_time_seconds",
  ]);
  const value = (name: string): number => first.get(name) ?? Number.NaN;
  expect(value("process_resident_memory_bytes")).toBeGreaterThan(value("nodejs_heap_size_used_bytes"));
  expect(Math.abs(value("process_start_time_seconds") + process.uptime() - Date.now() / 1_000)).toBeLessThan(
    60,
  );
  const until = process.cpuUsage().user + 50_000;
  while (process.cpuUsage().user < until) JSON.parse("[1, 2, 3]");
  const second = await scrape(registry);
  const used = (second.get("process_cpu_seconds_total") ?? 0) - value("process_cpu_seconds_total");
  expect(used).toBeGreaterThanOrEqual(0.05);
  // A counter that added up its own readings would have doubled.
  const { user, system } = process.cpuUsage();
  expect(second.get("process_cpu_seconds_total")).toBeLessThanOrEqual((user + system) / 1e6);
});
