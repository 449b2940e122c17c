/** What /metrics shows of the agent. Seconds, `_total`, and labels of few values: never a node, a pod or an address. */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { createCniMetrics } from "./cni-metrics.ts";
import { CNI_FINDING_KINDS } from "./cni/report/finding.ts";
import type { CniEnd } from "./cni/worker.ts";
import { FINDING_KINDS } from "./containers/finding.ts";
import { OUTCOMES } from "./containers/outcome.ts";
import type { PassMetrics } from "./containers/pass-request.ts";
import { RULES, type Phase } from "./containers/settings.ts";
import { PASS_RESULTS, type PassEnd } from "./passes.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { EVENT_RESULTS, type EventResult } from "./publisher.ts";
import { registerGauges } from "./gauges.ts";
import type { AgentView } from "./view.ts";

export interface AgentMetrics {
  readonly registry: Registry;
  /** For the passes themselves. */
  readonly containers: PassMetrics;
  passed(end: PassEnd): void;
  cniPassed(end: CniEnd): void;
  event(result: EventResult): void;
  /** Shows the state of the agent's parts from now on. Call it once. */
  show(view: AgentView): void;
}

const PHASES: readonly Phase[] = ["boot", "steady", "shutdown"];
/** logind grants 5 s; a pass over nothing takes milliseconds, one over hundreds of containers seconds. */
const BUCKETS_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120];

/** Metrics in a registry of their own: no globals, so two agents in one process don't mix. */
export function createAgentMetrics(version: string): AgentMetrics {
  const registry = new Registry();
  registerProcessMetrics(registry);
  const registers = [registry];
  const passes = new Counter({
    name: "nodelatch_agent_passes_total",
    help: "Passes over the node's containers, by phase and result.",
    labelNames: ["phase", "result"],
    registers,
  });
  const seconds = new Histogram({
    name: "nodelatch_agent_pass_duration_seconds",
    help: "Time of a pass, from the look for runtimes to the last removal.",
    labelNames: ["phase"],
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const reads = new Counter({
    name: "nodelatch_agent_runtime_reads_total",
    help: "Looks of passes at one runtime, by phase and whether its lists could be read.",
    labelNames: ["phase", "result"],
    registers,
  });
  const removals = new Counter({
    name: "nodelatch_agent_removals_total",
    help: "Containers that were to be removed, by the rule that says so and by what became of it.",
    labelNames: ["rule", "outcome"],
    registers,
  });
  const kept = new Gauge({
    name: "nodelatch_agent_containers_kept",
    help: "Containers that the last pass kept, by reason.",
    labelNames: ["reason"],
    registers,
  });
  const events = new Counter({
    name: "nodelatch_agent_events_total",
    help: "Kubernetes Events, by result: posted; failed, to be tried again; lost because too many waited.",
    labelNames: ["result"],
    registers,
  });
  new Gauge({
    name: "nodelatch_build_info",
    help: "Version of Nodelatch and of Node.js; always 1.",
    labelNames: ["version", "node"],
    registers,
  }).set({ version, node: process.version }, 1);

  // Series that exist from the start, so that a rate over them sees the first increase.
  for (const phase of PHASES) {
    seconds.zero({ phase });
    for (const result of PASS_RESULTS) passes.inc({ phase, result }, 0);
    for (const result of ["read", "unread"]) reads.inc({ phase, result }, 0);
  }
  for (const rule of RULES) for (const outcome of OUTCOMES) removals.inc({ rule, outcome }, 0);
  for (const result of EVENT_RESULTS) events.inc({ result }, 0);

  return {
    registry,
    containers: {
      passed: (phase, read) => reads.inc({ phase, result: read ? "read" : "unread" }),
      settled: (_phase, rule, outcome) => removals.inc({ rule, outcome }),
      kept(counts) {
        kept.reset();
        for (const [reason, count] of Object.entries(counts)) kept.set({ reason }, count);
      },
    },
    passed({ phase, result, seconds: took }) {
      passes.inc({ phase, result });
      if (result !== "off") seconds.observe({ phase }, took);
    },
    cniPassed: createCniMetrics(registry),
    event: (result) => events.inc({ result }),
    show: (view) => registerGauges(view, registry, [...FINDING_KINDS, ...CNI_FINDING_KINDS]),
  };
}
