/** What /metrics shows of passes over CNI state. Never a network's name, an address or a pod. */
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { MOVE_OUTCOMES, type CniReport, type LeaseTally } from "./cni/report/report.ts";
import { CNI_RESULTS, type CniEnd } from "./cni/worker.ts";

const LEASE_STATES = [
  "live",
  "ended",
  "stale",
  "waiting",
  "foreign",
  "other",
] as const satisfies readonly (keyof LeaseTally)[];
/** 20,000 stale leases take seconds, a node without any milliseconds. */
const BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 120];

export function createCniMetrics(registry: Registry): (end: CniEnd) => void {
  const registers = [registry];
  const passes = new Counter({
    name: "nodelatch_agent_cni_passes_total",
    help: "Passes over leases and caches of pod addresses, by result.",
    labelNames: ["result"],
    registers,
  });
  const seconds = new Histogram({
    name: "nodelatch_agent_cni_pass_duration_seconds",
    help: "Time of a pass over leases and caches.",
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const removals = new Counter({
    name: "nodelatch_agent_cni_removals_total",
    help: "Stale leases, and caches of dead sandboxes, by what became of them.",
    labelNames: ["what", "outcome"],
    registers,
  });
  const stops = new Counter({
    name: "nodelatch_agent_cni_sandbox_stops_total",
    help: "Ended sandboxes that still held an address and were stopped again, by outcome.",
    labelNames: ["outcome"],
    registers,
  });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `nodelatch_agent_cni_${name}`, help, labelNames: [...labelNames], registers });
  const leases = gauge("leases", "Leases after the last pass, by what is known of their owner.", ["state"]);
  const pool = gauge(
    "pool_addresses",
    "Addresses of the node's networks whose size is known, by family, size and free.",
    ["family", "what"],
  );
  const predating = gauge(
    "predating_leases",
    "Leases that were there before this boot; NaN while nothing is remembered of an earlier one.",
  );
  const kept = gauge("quarantine_bytes", "What removed files take up in quarantine.");
  const proven = gauge("proven", "1 if the last pass could prove what lives; otherwise it removed nothing.");
  for (const result of CNI_RESULTS) passes.inc({ result }, 0);
  for (const outcome of ["stopped", "failed"]) stops.inc({ outcome }, 0);
  for (const outcome of MOVE_OUTCOMES) {
    for (const what of ["lease", "cache"]) removals.inc({ what, outcome }, 0);
  }

  function show(report: CniReport): void {
    for (const state of LEASE_STATES) {
      leases.set({ state }, sum(report.networks.map(({ after }) => after[state])));
    }
    pool.reset();
    for (const { family, size, free } of report.networks.flatMap(({ pools }) => pools)) {
      if (size === undefined || free === undefined) continue;
      pool.inc({ family, what: "size" }, size);
      pool.inc({ family, what: "free" }, free);
    }
    predating.set(sum(report.networks.map((network) => network.predating ?? Number.NaN)));
    kept.set(report.quarantine?.bytes ?? 0);
    proven.set(Number(report.obstacle === undefined));
    for (const { outcome } of report.repairs) if (outcome !== "would-stop") stops.inc({ outcome });
    for (const outcome of MOVE_OUTCOMES) {
      removals.inc(
        { what: "lease", outcome },
        sum(report.networks.map(({ outcomes }) => outcomes[outcome] ?? 0)),
      );
      removals.inc({ what: "cache", outcome }, report.caches.outcomes[outcome] ?? 0);
    }
  }

  return ({ result, seconds: took, report }) => {
    passes.inc({ result });
    if (result !== "off") seconds.observe(took);
    if (report !== undefined) show(report);
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
