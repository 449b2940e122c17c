/**
 * The node's annotation `nodelatch.io/boot-report`: what this boot left behind and what became of it. It holds nothing
 * that changes while all is well, as each change is a write to the API server. Pure.
 */
import type { CniReport } from "./report.ts";

export const BOOT_REPORT_KEY = "nodelatch.io/boot-report";
export const MOST_BOOT_REPORT_BYTES = 1_024;

export interface BootReportFacts {
  readonly bootID: string | undefined;
  readonly report: CniReport;
  /** In this boot, since this agent was started. */
  readonly removed: { readonly leases: number; readonly caches: number };
  /** Kinds of findings that stand. */
  readonly findings: readonly string[];
  /** KubeEdge's switch in this node's edgecore.yaml; undefined where there is no KubeEdge, or the file does not say. */
  readonly edgeTaskManager?: "on" | "off" | undefined;
}

/** JSON of at most 1 KiB; networks that do not fit are counted. */
export function bootReport(of: BootReportFacts): string {
  const { bootID, report, removed, findings, edgeTaskManager } = of;
  const networks = report.networks.map(({ name, after, predating }) => ({
    name,
    stale: after.stale,
    waiting: after.waiting,
    ...(predating === undefined ? {} : { predating }),
  }));
  const predating = report.networks.map((network) => network.predating);
  const facts = {
    bootID,
    removedLeases: removed.leases,
    removedCaches: removed.caches,
    predatingLeases: predating.includes(undefined)
      ? undefined
      : predating.reduce<number>((sum, count) => sum + (count ?? 0), 0),
    proven: report.obstacle === undefined,
    findings: [...new Set(findings)].toSorted(),
    edgeTaskManager,
  };
  for (let shown = networks.length; shown > 0; shown -= 1) {
    const omitted = networks.length - shown;
    const text = JSON.stringify({
      ...facts,
      networks: networks.slice(0, shown),
      ...(omitted > 0 ? { omittedNetworks: omitted } : {}),
    });
    if (Buffer.byteLength(text) <= MOST_BOOT_REPORT_BYTES) return text;
  }
  return JSON.stringify({ ...facts, networks: [], omittedNetworks: networks.length });
}
