/** What passes show that needs a person: said when it begins and when it ends. */
import { statfs } from "node:fs/promises";
import type { Logger } from "pino";
import { Diagnoses } from "./containers/diagnose.ts";
import { diskOf, type Disk } from "./containers/disk-sign.ts";
import { within } from "./containers/deadline.ts";
import { findingText, type Finding } from "./containers/finding.ts";
import type { PassReport } from "./containers/report.ts";
import { resolveHostPath } from "./runtime/detect/host-path.ts";

/** Where runtimes and kubelet keep what must not be lost, as the node calls them. */
const DISKS = ["/var/lib/containerd", "/var/lib/containers", "/var/lib/docker", "/var/lib/kubelet"];
/** A network file system that hangs must not hold up passes. */
const STATFS_MILLIS = 1_000;

export type ReadDisks = (signal: AbortSignal) => Promise<readonly Disk[]>;

/** Those that can be seen from here. Never rejects. */
export function makeReadDisks(hostRoot: string): ReadDisks {
  return async (signal) => {
    const disks = await Promise.all(
      DISKS.map(async (hostPath) => {
        try {
          return await within(STATFS_MILLIS, signal, `look at the disk of ${hostPath}`, async () =>
            diskOf(hostPath, await statfs(await resolveHostPath(hostRoot, hostPath))),
          );
        } catch {
          return undefined;
        }
      }),
    );
    return disks.filter((disk) => disk !== undefined);
  };
}

/** Updates `diagnoses` and logs what is new; gives what began. `nowMillis` is monotonic. */
export function followUp(
  diagnoses: Diagnoses,
  report: PassReport,
  disks: readonly Disk[],
  nowMillis: number,
  log: Logger,
): readonly Finding[] {
  const { begun, ended } = diagnoses.update(report, disks, nowMillis);
  for (const finding of begun) log.warn({ finding: finding.kind, text: findingText(finding) }, "finding");
  for (const { kind, subject } of ended) log.info({ finding: kind, subject }, "finding is over");
  return begun;
}
