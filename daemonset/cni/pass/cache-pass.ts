/** Caches and scratch files: those of ids that are dead go after the leases; broken ones that block a stop go as well. */
import { codeOf, reasonOf } from "../../host/reason.ts";
import { FILE_BATCH } from "../apply/apply.ts";
import { stumblesOverCorruptCaches, type CacheKeep, type CacheRule } from "../decide/cache.ts";
import { ownerOf } from "../decide/ownership.ts";
import { REMOVED_BECAUSE } from "../decide/words.ts";
import { isSandboxID } from "../lease/content.ts";
import { entriesOf, readWhole } from "../lease/read.ts";
import { cacheFingerprint, contentFingerprint, type Fingerprint } from "../memory/fingerprint.ts";
import { parseCache, parseCacheName } from "../networks/cache-entry.ts";
import { MOST_CACHE_BYTES } from "../networks/cached.ts";
import { located } from "../networks/located.ts";
import { CACHE_DIRECTORIES, type CacheDirectory } from "../networks/network.ts";
import type { CacheReport, MoveOutcome } from "../report/report.ts";
import { Counter, Removals } from "../report/tally.ts";
import { turn } from "../turn.ts";
import {
  CacheJudge,
  CONTAINERD_RESULTS,
  LOOPBACK,
  type CacheCandidate,
  type CachePass,
  type ReadCache,
} from "./cache-judge.ts";
import { ENTRIES_PER_TURN } from "./survey.ts";

/** Names are held meanwhile; an order may be as long. */
const CANDIDATES_PER_PROOF = FILE_BATCH;
/** What is read of one order's files is held until they are gone: some kilobytes each, 1,000 of them at most. */
const BYTES_PER_ORDER = 512 * 1_024;

interface StaleCache extends ReadCache {
  readonly candidate: CacheCandidate;
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
  readonly #judge: CacheJudge;
  readonly #kept = new Counter<CacheKeep>();
  readonly #minds: boolean;
  #files = 0;
  #candidates: CacheCandidate[] = [];

  constructor(of: CachePass, signal: AbortSignal) {
    this.#of = of;
    this.#signal = signal;
    this.#judge = new CacheJudge(of);
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
      const fingerprint = cacheFingerprint(hostPath, name);
      this.#look({ hostPath, kind, directory, name, fingerprint, ...parsed });
      if (this.#candidates.length >= CANDIDATES_PER_PROOF) await this.#settle();
    }
    await this.#settle();
  }

  #look(candidate: CacheCandidate): void {
    const { first, pass } = this.#of;
    const { hostPath, id, network } = candidate;
    if (first.kind === "proven" && ownerOf(id, first) !== "nobody") {
      // A look into each of a few hundred live ones, and only where it matters.
      const matters = this.#minds && hostPath === CONTAINERD_RESULTS && network !== LOOPBACK;
      if (matters && this.#isCorrupt(candidate)) this.#candidates.push(candidate);
      else this.#kept.add(first.sandboxes.has(id) ? "in-use" : "known-elsewhere");
      return;
    }
    pass.note(candidate.fingerprint, id);
    this.#candidates.push(candidate);
  }

  #isCorrupt({ directory, name }: CacheCandidate): boolean {
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
    let bytes = 0;
    for (const candidate of candidates) {
      const verdict = this.#judge.judge(candidate, undefined, liveness);
      if (verdict.kind === "keep" && !verdict.why.startsWith("corrupt")) {
        this.#keep(candidate, undefined, verdict.why);
        continue;
      }
      const read = this.#read(candidate);
      if (read === undefined) continue;
      const again = this.#judge.judge(candidate, read, liveness);
      if (again.kind === "keep") {
        this.#keep(candidate, read, again.why);
        continue;
      }
      stale.push({ ...read, candidate, rule: again.rule });
      bytes += read.reading.content.length;
      if (bytes < BYTES_PER_ORDER) continue;
      await this.#move(stale);
      [stale, bytes] = [[], 0];
    }
    if (stale.length > 0) await this.#move(stale);
  }

  #keep({ hostPath, fingerprint }: CacheCandidate, read: ReadCache | undefined, why: CacheKeep): void {
    this.#kept.add(why);
    if (why === "seen-too-briefly") this.#note(fingerprint);
    if (why === "corrupt-too-briefly" && read !== undefined)
      this.#note(contentFingerprint(hostPath, read.reading));
  }

  #read({ hostPath, directory, name }: CacheCandidate): ReadCache | undefined {
    const read = readWhole(directory, name, MOST_CACHE_BYTES);
    if (read.kind === "file") return { reading: read.reading, content: parseCache(read.reading.content) };
    if (read.kind === "gone") return undefined;
    this.#kept.add("foreign");
    const path = `${hostPath}/${name}`;
    if (read.kind === "unreadable") this.removals.trouble({ kind: "unreadable", path, seen: read.reason });
    return undefined;
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
          // What is there now is the very same file: else it is not asked about.
          return each !== undefined && this.#judge.judge(each.candidate, each, liveness).kind === "remove";
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

  #settled({ candidate, reading, rule }: StaleCache, outcome: MoveOutcome, detail: string): void {
    const { hostPath, name, id } = candidate;
    const line = this.removals.add(rule, outcome, () => {
      const reason = detail === "" ? REMOVED_BECAUSE[rule] : `${REMOVED_BECAUSE[rule]}; ${detail}`;
      return { path: `${hostPath}/${name}`, id, outcome, reason };
    });
    if (outcome === "failed" || outcome === "skipped") {
      this.removals.trouble({ kind: "not-removed", path: hostPath, seen: detail });
    }
    if (outcome !== "moved" && outcome !== "gone") {
      const blocks = rule === "blocks-stop";
      this.#note(blocks ? contentFingerprint(hostPath, reading) : candidate.fingerprint);
    }
    if (line === undefined) return;
    const { path, reason } = line;
    this.#of.ports.log.info({ path, sandboxID: id, rule, outcome, reason }, "stale cache");
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
