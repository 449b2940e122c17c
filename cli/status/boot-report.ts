/** The agent's annotation `nodelatch.io/boot-report` (daemonset/cni/report/boot-report.ts), as far as `status` shows it. Pure. */
import { isObject, objectsAt, stringsAt, textAt } from "../../kube/json.ts";

export const BOOT_REPORT_ANNOTATION = "nodelatch.io/boot-report";

export interface BootReport {
  /** "" if the agent could not tell. */
  readonly bootID: string;
  /** false: the agent could not see enough of the node to judge it. */
  readonly proven: boolean;
  /** Kinds of findings that stand. */
  readonly findings: readonly string[];
  /** Leases of containers that are gone: still there, not judged yet, and taken away in this boot. */
  readonly staleLeases: number;
  readonly waitingLeases: number;
  readonly removedLeases: number;
}

/** old: of an earlier boot than the node's. unknown: the agent could not see enough. */
export type BootState = "clean" | "unclean" | "unknown" | "old";

/** Undefined for what is no report. */
export function parseBootReport(text: string | undefined): BootReport | undefined {
  let report: unknown;
  try {
    report = JSON.parse(text ?? "");
  } catch {
    return undefined;
  }
  if (!isObject(report)) return undefined;
  const networks = objectsAt(report, "networks");
  const sum = (key: string): number => networks.reduce((total, network) => total + countOf(network[key]), 0);
  return {
    bootID: textAt(report, "bootID") ?? "",
    proven: report["proven"] === true,
    findings: stringsAt(report, "findings"),
    staleLeases: sum("stale"),
    waitingLeases: sum("waiting"),
    removedLeases: countOf(report["removedLeases"]),
  };
}

/** @param bootID what the kubelet reports of the node. */
export function bootStateOf(report: BootReport, bootID: string): BootState {
  if (report.bootID !== bootID) return "old";
  if (report.findings.length > 0 || report.staleLeases > 0) return "unclean";
  return report.proven && report.waitingLeases === 0 ? "clean" : "unknown";
}

/** `0 stale`, `2 stale, 1 waiting, 3 removed`. */
export function leasesWords({ staleLeases, waitingLeases, removedLeases }: BootReport): string {
  const more = [
    [waitingLeases, "waiting"],
    [removedLeases, "removed"],
  ] as const;
  const shown = more.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return [`${staleLeases} stale`, ...shown].join(", ");
}

function countOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}
