/** What comes of a pass over CNI state: findings, Events, the node's annotation, the report on disk, metrics. */
import { join } from "node:path";
import type { Logger } from "pino";
import type { Switch } from "../prepull/facts.ts";
import { BOOT_REPORT_KEY, bootReport } from "./cni/report/boot-report.ts";
import { cniEventsOf } from "./cni/report/events.ts";
import { CniDiagnoses, type CniFindingKind } from "./cni/report/finding.ts";
import { cniReportText } from "./cni/report/text.ts";
import type { CniReport } from "./cni/report/report.ts";
import type { CniEnd } from "./cni/worker.ts";
import { findingText, type StandingFinding } from "./containers/finding.ts";
import type { BootIDRead } from "./host/boot/boot-id.ts";
import { writeWholeFile } from "./host/files/whole-file.ts";
import type { Publisher } from "./publisher.ts";

export const REPORT_FILE = "cni-report.json";

export interface CniFollowUpOptions {
  readonly runDir: string;
  readonly bootID: BootIDRead;
  readonly publisher: Pick<Publisher, "offer" | "annotate"> | undefined;
  readonly onEnd: (end: CniEnd) => void;
  /** KubeEdge's switch on this node. Never rejects. */
  readonly readEdgeTaskManager: () => Promise<Switch | undefined>;
  readonly monotonicMillis: () => number;
  readonly log: Logger;
}

export interface CniFollowUp {
  after(end: CniEnd): Promise<void>;
  standing(): readonly StandingFinding<CniFindingKind>[];
}

export function makeCniFollowUp(options: CniFollowUpOptions): CniFollowUp {
  const { log, publisher } = options;
  const diagnoses = new CniDiagnoses();
  const removed = { leases: 0, caches: 0 };

  return {
    async after(end) {
      options.onEnd(end);
      const { result, seconds, report } = end;
      if (report === undefined || result === "cut") return;
      log.debug({ result, seconds }, "CNI pass");
      const { begun, ended } = diagnoses.update(report, options.monotonicMillis());
      for (const finding of begun) log.warn({ finding: finding.kind, text: findingText(finding) }, "finding");
      for (const { kind, subject } of ended) log.info({ finding: kind, subject }, "finding is over");
      removed.leases += movedLeases(report);
      removed.caches += report.caches.outcomes.moved ?? 0;
      publisher?.offer(cniEventsOf(report, begun));
      const findings = diagnoses.standing().map(({ finding }) => finding.kind);
      const { bootID: read } = options;
      const bootID = read.kind === "known" ? read.bootID : undefined;
      const edge = await options.readEdgeTaskManager();
      const edgeTaskManager = edge === "unknown" ? undefined : edge;
      publisher?.annotate(
        BOOT_REPORT_KEY,
        bootReport({ bootID, report, removed, findings, edgeTaskManager }),
      );
      await writeReport(options, report);
    },
    standing: () => diagnoses.standing(),
  };
}

function movedLeases({ networks }: CniReport): number {
  return networks.reduce((sum, { outcomes }) => sum + (outcomes.moved ?? 0), 0);
}

/** For `report`, which is another process. A run directory that can't be written is no reason to stop. */
async function writeReport({ runDir, log }: CniFollowUpOptions, report: CniReport): Promise<void> {
  try {
    const text = JSON.stringify({ text: cniReportText(report), report });
    await writeWholeFile(join(runDir, REPORT_FILE), text);
  } catch (err) {
    log.warn({ err }, "report of the CNI pass not written");
  }
}
