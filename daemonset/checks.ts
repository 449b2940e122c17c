/**
 * What /livez and /readyz look at. Not ready is an agent that can't do its work: no runtime can be read, or it does not
 * know its own pod. What it works without (API server, address, system bus, journal) is told and never fails: else a
 * rollout would stop at a node that has lost its network.
 */
import { predatingText } from "./cni/report/text.ts";
import type { CniEnd } from "./cni/worker.ts";
import { findingText } from "./containers/finding.ts";
import { gateStateWords } from "./gate/gate.ts";
import type { Check, CheckResult } from "../program/check.ts";
import { networkWords } from "./host/network/watch.ts";
import { shutdownWords } from "./host/shutdown/words.ts";
import type { PassEnd } from "./passes.ts";
import { releaseWords } from "./release/release.ts";
import type { AgentView } from "./view.ts";

/** Later than this the loop of passes hangs: every step of it has a deadline. */
const LATE_MILLIS = 60_000;

export function liveChecks(view: AgentView): readonly Check[] {
  return [
    {
      name: "passes",
      check: () => {
        const lateMillis = view.lateMillis();
        if (lateMillis <= LATE_MILLIS) return { ok: true };
        return { ok: false, detail: `the next pass is overdue by ${Math.round(lateMillis / 1_000)} s` };
      },
    },
  ];
}

export function readyChecks(view: AgentView): readonly Check[] {
  const tell = (name: string, words: () => string): Check => ({
    name,
    check: () => ({ ok: true, detail: words() }),
  });
  return [
    {
      name: "boot-id",
      check: () => {
        const { words, problem } = view.boot();
        return { ok: !problem, detail: words };
      },
    },
    { name: "own-pod", check: () => ownPodCheck(view) },
    { name: "runtimes", check: () => runtimesCheck(view) },
    { name: "containers", check: () => passCheck(view.lastPass()) },
    // Never a reason not to be ready: what it waits for is said by the checks before it.
    tell("cni", () => cniWords(view.lastCniPass())),
    tell("findings", () => {
      const texts = view.findings().map(({ finding }) => findingText(finding));
      return texts.length === 0 ? "none" : texts.join("; ");
    }),
    tell("shutdown-lock", () => {
      const state = view.shutdown();
      return state === undefined ? "the pass before a shutdown is switched off" : shutdownWords(state);
    }),
    tell("journal", () => journalWords(view)),
    tell("addresses", () => networkWords(view.network())),
    tell("api", () => apiWords(view)),
    tell("gate", () => gateStateWords(view.gate())),
    tell("release", () => releaseWords(view.release())),
  ];
}

function ownPodCheck({ own }: AgentView): CheckResult {
  if (own.kind === "pod") return { ok: true, detail: own.uid };
  if (own.kind === "none") return { ok: true, detail: "runs in no pod" };
  const remedy = "give the pod's metadata.uid in POD_UID, or --by-hand=true where the agent runs in no pod";
  return { ok: false, detail: `not known, so nothing is removed; ${remedy}` };
}

function runtimesCheck(view: AgentView): CheckResult {
  const reports = view.endpoints();
  if (reports.length === 0) return { ok: false, detail: "not looked for yet" };
  const detail = [...reports.map(({ line }) => line), ...view.complaints()].join("; ");
  return { ok: reports.every(({ ok }) => ok), detail };
}

function passCheck(end: PassEnd | undefined): CheckResult {
  if (end === undefined) return { ok: false, detail: "no pass yet" };
  const detail = passWords(end);
  return { ok: end.result === "read" || end.result === "off", detail };
}

function passWords({ phase, result, seconds, report }: PassEnd): string {
  const parts = [`last pass: ${phase}, ${result}, ${seconds.toFixed(1)} s`];
  for (const runtime of report?.runtimes ?? []) {
    if (runtime.kind === "unread") parts.push(runtime.message);
    else {
      const outcomes = Object.entries(runtime.outcomes).map(([what, count]) => `${count} ${what}`);
      const did = outcomes.length === 0 ? "nothing to remove" : outcomes.join(", ");
      parts.push(`${runtime.label}: ${runtime.containers} containers, ${did}`);
    }
  }
  return parts.join("; ");
}

function cniWords(end: CniEnd | undefined): string {
  if (end === undefined) return "no pass yet";
  const { result, seconds, report } = end;
  const parts = [`last pass: ${result}, ${seconds.toFixed(1)} s`];
  if (report?.obstacle !== undefined) parts.push(`nothing is removed: ${report.obstacle}`);
  for (const { name, after, outcomes, predating } of report?.networks ?? []) {
    const { leases, live, stale, waiting } = after;
    const removed = outcomes.moved === undefined ? "" : `, ${outcomes.moved} removed`;
    parts.push(
      `${name}: ${leases} leases, ${live} live, ${stale} stale, ${waiting} waiting${removed}; ${predatingText(predating)}`,
    );
  }
  return parts.join("; ");
}

function journalWords(view: AgentView): string {
  const state = view.journal();
  return state.kind === "unsaved"
    ? `kept in memory only, tried ${state.failures} times to write it: ${state.reason}`
    : state.kind;
}

function apiWords(view: AgentView): string {
  const state = view.api();
  switch (state?.kind) {
    case undefined:
      return "switched off";
    case "connecting":
      return "not tried yet";
    case "reached":
      return "reached";
    case "away":
      return `away, tried ${state.failures} times; only Events and the reboot lock's release wait for it: ${state.reason}`;
  }
}
