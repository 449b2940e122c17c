/** Caches and scratch files: those of ids that are dead go after the leases; broken ones that block a stop go as well. */
import { codeOf, reasonOf } from "../../host/reason.ts";
import type { FileReading } from "../apply/order.ts";
import {
  judgeCache,
  stumblesOverCorruptCaches,
  type CacheKeep,
  type CacheRule,
  type CacheVerdict,
} from "../decide/cache.ts";
import { obstacleOf, ownerOf, type Proven } from "../decide/ownership.ts";
import { REMOVED_BECAUSE } from "../decide/words.ts";
import { isSandboxID } from "../lease/content.ts";
import { entriesOf, readWhole } from "../lease/read.ts";
import type { Liveness } from "../liveness/liveness.ts";
import {
  cacheFingerprint,
  contentFingerprint,
  idFingerprint,
  type Fingerprint,
} from "../memory/fingerprint.ts";
import { parseCache, parseCacheName } from "../networks/cache-entry.ts";
import { MOST_CACHE_BYTES } from "../networks/cached.ts";
import { located } from "../networks/located.ts";
import { CACHE_DIRECTORIES, type CacheDirectory } from "../networks/network.ts";
import type { CacheReport, MoveOutcome } from "../report/report.ts";
import { Counter, Removals } from "../report/tally.ts";
import { turn } from "../turn.ts";
import type { LeasePass } from "./lease-book.ts";
import { ENTRIES_PER_TURN } from "./survey.ts";

/** Names are held meanwhile. */
const CANDIDATES_PER_PROOF = 2_000;
/** Whole files of some kilobytes each are. */
const FILES_PER_ORDER = 250;
/** Where containerd's own results are; go-cni's loopback does no harm there (facts/node-observed.md 1). */
const CONTAINERD_RESULTS = "/var/lib/cni/results";
const LOOPBACK = "cni-loopback";

export interface CachePass extends LeasePass {
  /** Names of Kubernetes' networks. */
  readonly networks: ReadonlySet<string>;
  /** All leases of all of them were read, so that an id without one has none. */
  readonly leasesWhole: boolean;
  readonly anyMappingHeld: boolean;
}

interface Candidate {
  readonly hostPath: string;
  readonly kind: CacheDirectory["kind"];
  readonly directory: string;
  readonly name: string;
  readonly id: string;
  readonly network: string;
}

interface StaleCache {
  readonly path: string;
  readonly id: string;
  readonly reading: FileReading;
  readonly candidate: Candidate;
  readonly rule: CacheRule;
}

/** Never rejects. */
export async function passOverCaches(
  of: CachePass,
  signal: AbortSignal,
): Promise<{ readonly report: CacheReport; readonly isWhole: boolean }> {
  const walk = new CacheWalk(of, signal);
  let isWhole = true;
  for (const directory of CACHE_DIRECTORIES) {
    try {
      await walk.over(directory);
    } catch (thrown) {
      if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR") continue;
      isWhole = false;
      walk.removals.trouble({ kind: "unreadable", path: directory.hostPath, seen: reasonOf(thrown) });
    }
  }
  return { report: walk.report(), isWhole: isWhole && !signal.aborted };
}

class CacheWalk {
  readonly removals = new Removals<CacheRule>();
  readonly #of: CachePass;
  readonly #signal: AbortSignal;
  readonly #kept = new Counter<CacheKeep>();
  readonly #minds: boolean;
  #files = 0;
  #candidates: Candidate[] = [];

  constructor(of: CachePass, signal: AbortSignal) {
    this.#of = of;
    this.#signal = signal;
    this.#minds =
      of.first.kind === "proven" &&
      of.first.runtimes.some(({ name, version }) => stumblesOverCorruptCaches(name, version));
  }

  async over({ hostPath, kind }: CacheDirectory): Promise<void> {
    const directory = await located(this.#of.request.hostRoot, hostPath);
    let count = 0;
    for (const entry of entriesOf(directory)) {
      if (this.#signal.aborted) return;
      if (++count % ENTRIES_PER_TURN === 0) await turn();
      const { name } = entry;
      const parsed = kind === "results" ? parseCacheName(name) : { id: name, network: "" };
      if (!entry.isFile() || parsed === undefined || !isSandboxID(parsed.id)) continue;
      this.#files += 1;
      this.#look({ hostPath, kind, directory, name, ...parsed });
      if (this.#candidates.length >= CANDIDATES_PER_PROOF) await this.#settle();
    }
    await this.#settle();
  }

  #look(candidate: Candidate): void {
    const { first, pass } = this.#of;
    const { hostPath, name, id, network } = candidate;
    if (first.kind === "proven" && ownerOf(id, first) !== "nobody") {
      // A look into each of a few hundred live ones, and only where it matters.
      const matters = this.#minds && hostPath === CONTAINERD_RESULTS && network !== LOOPBACK;
      if (matters && this.#isCorrupt(candidate)) this.#candidates.push(candidate);
      else this.#kept.add(first.sandboxes.has(id) ? "in-use" : "known-elsewhere");
      return;
    }
    pass.note(cacheFingerprint(hostPath, name), id);
    this.#candidates.push(candidate);
  }

  #isCorrupt({ directory, name }: Candidate): boolean {
    const read = readWhole(directory, name, MOST_CACHE_BYTES);
    return read.kind === "file" && parseCache(read.reading.content).kind === "corrupt";
  }

  /** First by name alone; only what would go is read. */
  async #settle(): Promise<void> {
    const candidates = this.#candidates;
    if (candidates.length === 0) return;
    this.#candidates = [];
    const { ports, pass } = this.#of;
    const liveness = await ports.prove(this.#signal);
    if (liveness.kind === "proven") pass.noteLists(liveness);
    let stale: StaleCache[] = [];
    for (const candidate of candidates) {
      const verdict = this.#judge(candidate, undefined, liveness);
      if (verdict.kind === "keep" && !verdict.why.startsWith("corrupt")) {
        this.#keep(candidate, undefined, verdict.why);
        continue;
      }
      const reading = this.#read(candidate);
      if (reading === undefined) continue;
      const read = this.#judge(candidate, reading, liveness);
      if (read.kind === "keep") {
        this.#keep(candidate, reading, read.why);
        continue;
      }
      const path = `${candidate.hostPath}/${candidate.name}`;
      stale.push({ path, id: candidate.id, reading, candidate, rule: read.rule });
      if (stale.length < FILES_PER_ORDER) continue;
      await this.#move(stale);
      stale = [];
    }
    if (stale.length > 0) await this.#move(stale);
  }

  #keep({ hostPath, name }: Candidate, reading: FileReading | undefined, why: CacheKeep): void {
    this.#kept.add(why);
    if (why === "seen-too-briefly") this.#note(cacheFingerprint(hostPath, name));
    if (why === "corrupt-too-briefly" && reading !== undefined)
      this.#note(contentFingerprint(hostPath, reading));
  }

  #read({ hostPath, directory, name }: Candidate): FileReading | undefined {
    const read = readWhole(directory, name, MOST_CACHE_BYTES);
    if (read.kind === "file") return read.reading;
    if (read.kind === "gone") return undefined;
    this.#kept.add("foreign");
    const path = `${hostPath}/${name}`;
    if (read.kind === "unreadable") this.removals.trouble({ kind: "unreadable", path, seen: read.reason });
    return undefined;
  }

  /** Without its content a file counts as what its name says. */
  #judge(candidate: Candidate, reading: FileReading | undefined, liveness: Liveness): CacheVerdict {
    const { request, ports, released, held, leasesWhole, anyMappingHeld } = this.#of;
    const { memory, settings } = request;
    const { hostPath, name, id, kind, network } = candidate;
    const fingerprint = cacheFingerprint(hostPath, name);
    const nowMillis = ports.monotonicMillis();
    const proven = liveness.kind === "proven" ? liveness : undefined;
    const isResult = kind === "results" && hostPath === CONTAINERD_RESULTS && network !== LOOPBACK;
    return judgeCache(
      {
        id,
        isKubernetes: reading === undefined || this.#isKubernetes(candidate, reading, proven),
        past: {
          wasListed: memory.wasListed(id),
          isFromEarlierBoot: memory.isFromEarlierBoot(fingerprint),
          orphanMillis: memory.orphanMillis(fingerprint, nowMillis),
        },
        leaseReleased: released.has(idFingerprint(id)),
        leaseKept: !leasesWhole || held.has(idFingerprint(id)),
        isCorrupt: isResult && (reading === undefined || parseCache(reading.content).kind === "corrupt"),
        corruptMillis: reading && memory.orphanMillis(contentFingerprint(hostPath, reading), nowMillis),
      },
      {
        obstacle: obstacleOf(liveness, proven === undefined ? [] : memory.missingRuntimes(proven)),
        liveness: proven,
        anyMappingHeld,
        graceMillis: settings.graceMillis,
      },
    );
  }

  /** flannel and multus name scratch files by the bare id; podman, which has such ids too, uses neither. */
  #isKubernetes(
    { kind, id, network }: Candidate,
    { content }: FileReading,
    liveness: Proven | undefined,
  ): boolean {
    if (kind === "scratch" || liveness?.sandboxes.has(id) === true) return true;
    const cache = parseCache(content);
    if (cache.kind === "entry") return cache.id === id && cache.network === network && cache.isPod;
    return network === LOOPBACK || this.#of.networks.has(network);
  }

  async #move(stale: readonly StaleCache[]): Promise<void> {
    const { request, ports } = this.#of;
    if (ports.apply === undefined || request.settings.caches !== "on" || this.#signal.aborted) {
      for (const each of stale) this.#settled(each, "would-move", "");
      return;
    }
    const byReading = new Map(stale.map((each) => [`${each.reading.directory}/${each.reading.name}`, each]));
    const result = await ports.apply.files(
      {
        files: stale.map(({ reading }) => reading),
        stillStale: (file, liveness) => {
          const each = byReading.get(`${file.directory}/${file.name}`);
          return each !== undefined && this.#judge(each.candidate, file, liveness).kind === "remove";
        },
      },
      this.#signal,
    );
    for (const [key, each] of byReading) {
      const moved = result.kind === "done" ? result.results.get(key) : undefined;
      if (result.kind === "skipped") this.#settled(each, "skipped", result.reason);
      else if (moved?.kind === "failed") this.#settled(each, "failed", moved.message);
      else if (moved?.kind === "changed") this.#settled(each, "changed", moved.reason);
      else this.#settled(each, moved?.kind ?? "skipped", "");
    }
  }

  #settled({ path, id, candidate, reading, rule }: StaleCache, outcome: MoveOutcome, detail: string): void {
    const reason = detail === "" ? REMOVED_BECAUSE[rule] : `${REMOVED_BECAUSE[rule]}; ${detail}`;
    const isShown = this.removals.add(rule, { path, id, outcome, reason });
    if (outcome === "failed" || outcome === "skipped") {
      this.removals.trouble({ kind: "not-removed", path: candidate.hostPath, seen: detail });
    }
    if (outcome !== "moved" && outcome !== "gone") {
      const blocks = rule === "blocks-stop";
      this.#note(
        blocks
          ? contentFingerprint(candidate.hostPath, reading)
          : cacheFingerprint(candidate.hostPath, candidate.name),
      );
    }
    if (isShown) this.#of.ports.log.info({ path, sandboxID: id, rule, outcome, reason }, "stale cache");
  }

  #note(fingerprint: Fingerprint): void {
    this.#of.pass.noteOrphan(fingerprint, this.#of.ports.monotonicMillis());
  }

  report(): CacheReport {
    const { rules, outcomes, lines, troubles } = this.removals;
    return {
      files: this.#files,
      kept: this.#kept.toCounts(),
      rules: rules.toCounts(),
      outcomes: outcomes.toCounts(),
      removals: lines,
      troubles,
    };
  }
}
