/** What of a node's CNI state needs a person: said when it begins and when it ends. */
import { Standing, type Finding, type Sign, type StandingFinding } from "../../containers/finding.ts";
import type { CniReport, NetworkReport, Trouble } from "./report.ts";

export const CNI_FINDING_KINDS = [
  /** A containerd version that leaks addresses at each power cut. */
  "leaky-runtime",
  /** What lives can't be proven, again and again, so nothing is removed. */
  "cni-unproven",
  /** Sandboxes run with a network and none has its lease in its directory. */
  "cni-mapping-broken",
  /** A link where host-local has its directory: it never frees anything there. */
  "cni-link",
  /** Something that is no lease in an address's place. */
  "cni-address-blocked",
  "cni-unreadable",
  /** Stale, but it could not be moved. */
  "cni-not-removed",
  /** Few addresses are left. */
  "cni-pool-full",
  /** What was seen can't be written down. */
  "cni-memory",
] as const;
export type CniFindingKind = (typeof CNI_FINDING_KINDS)[number];
export type CniFinding = Finding<CniFindingKind>;

/** At boot a runtime takes its time to answer. */
const PASSES_UNPROVEN = 3;
/** Of a pool, in use. */
const FULL = 0.9;

/** Of one report. `unprovenPasses` counts this one. Pure. */
export function findingsOf(report: CniReport, unprovenPasses: number): readonly CniFinding[] {
  const findings: CniFinding[] = [];
  for (const { name, version, path, mended } of report.runtimes) {
    if (mended === undefined) continue;
    findings.push({
      kind: "leaky-runtime",
      subject: path,
      seen: `${name} ${version} forgets to release the address of a pod whose start was cut short`,
      remedy: `upgrade it to ${mended} or later`,
    });
  }
  if (report.obstacle !== undefined && unprovenPasses >= PASSES_UNPROVEN) {
    findings.push({
      kind: "cni-unproven",
      subject: "leases",
      seen: `nothing is removed, as what lives is not proven: ${report.obstacle}`,
      remedy: "see runtimes and own-pod on this page",
    });
  }
  if (report.memory.problem !== undefined) {
    findings.push({
      kind: "cni-memory",
      subject: "leases",
      seen: `what was seen can't be written down: ${report.memory.problem}`,
      remedy:
        "free space in the state directory; until then a reboot makes stale leases go ten minutes later",
    });
  }
  for (const trouble of [...report.troubles, ...report.caches.troubles])
    findings.push(...troubleFinding(trouble));
  for (const network of report.networks) {
    for (const trouble of network.troubles) findings.push(...troubleFinding(trouble));
    findings.push(...poolFindings(network));
  }
  return findings;
}

function troubleFinding({ kind, path, seen }: Trouble): readonly CniFinding[] {
  const finding = (of: CniFindingKind, remedy: string): CniFinding[] => [
    { kind: of, subject: path, seen, remedy },
  ];
  switch (kind) {
    case "mapping-broken":
      return finding(
        "cni-mapping-broken",
        "find out where this network's plugin keeps its leases, and name it in cni.dataDirs; addresses may be given out twice",
      );
    case "link":
      return finding(
        "cni-link",
        "host-local frees nothing behind a link: move the directory here, or link its parent instead",
      );
    case "link-leads-out":
      return finding(
        "cni-link",
        "it leads out of host-local's directories and is not followed; move it here",
      );
    case "address-blocked":
      return finding("cni-address-blocked", "move it away: its address is never given out while it is there");
    case "unreadable":
      return finding("cni-unreadable", "check the disk and its file system");
    case "not-removed":
      return finding(
        "cni-not-removed",
        "it is tried again; if it stays, look for a hung plugin that holds the lock, or a file system that is read-only or full",
      );
    case "retention":
    case "foreign-reservation":
      // Somebody wants it so.
      return [];
  }
}

function poolFindings({ path, pools, after, forecast }: NetworkReport): readonly CniFinding[] {
  return pools.flatMap(({ family, size, used, free }) => {
    if (size === undefined || free === undefined || used < size * FULL) return [];
    const pace =
      forecast === undefined ? "" : `, enough for ${forecast.bootsLeft} more boots like the last ones`;
    return [
      {
        kind: "cni-pool-full" as const,
        subject: `${path} ${family}`,
        seen: `${free} of ${size} addresses are free${pace}; ${after.stale + after.waiting} leases are nobody's`,
        remedy: "if pods need them all, give the node a larger range; else see what the leases are kept for",
      },
    ];
  });
}

/** Findings over time. */
export class CniDiagnoses {
  readonly #standing = new Standing<CniFindingKind>();
  #unprovenPasses = 0;

  /** After each pass. `nowMillis` is monotonic. */
  update(report: CniReport, nowMillis: number): ReturnType<Standing<CniFindingKind>["update"]> {
    this.#unprovenPasses = report.obstacle === undefined ? 0 : this.#unprovenPasses + 1;
    const found = findingsOf(report, this.#unprovenPasses);
    const signs: Sign<CniFindingKind>[] = found.map((finding) => ({ ...finding, finding }));
    for (const { finding } of this.#standing.list()) {
      const isThere = found.some(({ kind, subject }) => kind === finding.kind && subject === finding.subject);
      // What a pass did not get to may be there still.
      if (!isThere && report.isWhole && report.obstacle === undefined) {
        signs.push({ kind: finding.kind, subject: finding.subject, finding: undefined });
      }
    }
    return this.#standing.update(signs, nowMillis);
  }

  standing(): readonly StandingFinding<CniFindingKind>[] {
    return this.#standing.list();
  }
}
