/**
 * One network directory: leases are read a few at a time, what no list shows is looked at again with lists asked after
 * it was read, and what is stale then is moved, which looks a third time under host-local's own lock.
 */
import { reasonOf } from "../../host/reason.ts";
import type { MoveResult } from "../apply/order.ts";
import { nodePathOf } from "../apply/removal.ts";
import { judgeLease, type LeaseFacts, type LeaseVerdict, type Mapping } from "../decide/lease.ts";
import { obstacleOf, type Obstacle } from "../decide/ownership.ts";
import { familyOfCanonical } from "../lease/address.ts";
import { LONGEST_LEASE_BYTES, parseLease } from "../lease/content.ts";
import { entriesOf, readWhole } from "../lease/read.ts";
import type { Liveness } from "../liveness/liveness.ts";
import { leaseFingerprint } from "../memory/fingerprint.ts";
import type { NetworkDirectory } from "../networks/network.ts";
import type { NetworkReport } from "../report/report.ts";
import { turn } from "../turn.ts";
import { idOf, LeaseBook, type Candidate, type LeasePass, type StaleLease } from "./lease-book.ts";
import { mappingOf } from "./mapping.ts";
import { survey } from "./survey.ts";

/** Read without letting others have their turn: less than 10 ms. */
const READS_PER_TURN = 200;
/** What is asked about in one go; 70 bytes and an object for each. */
const CANDIDATES_PER_PROOF = 1_000;
/** For one hold of host-local's lock, which every start of a pod waits for. */
const LEASES_PER_ORDER = 200;

export interface WalkedNetwork {
  readonly report: NetworkReport;
  readonly isWhole: boolean;
  readonly mapping: Mapping | undefined;
}

/** Never rejects. */
export async function passOverNetwork(
  network: NetworkDirectory,
  of: LeasePass,
  signal: AbortSignal,
): Promise<WalkedNetwork> {
  const walk = new Walk(network, of, signal);
  let isWhole = true;
  try {
    await walk.run();
  } catch (thrown) {
    isWhole = false;
    walk.book.removals.trouble({ kind: "unreadable", path: network.hostPath, seen: reasonOf(thrown) });
  }
  return { report: walk.book.report(), isWhole: isWhole && !signal.aborted, mapping: walk.mapping };
}

class Walk {
  readonly book: LeaseBook;
  mapping: Mapping | undefined;
  readonly #network: NetworkDirectory;
  readonly #of: LeasePass;
  readonly #signal: AbortSignal;
  #retains = false;
  #candidates: Candidate[] = [];
  #looked: { readonly at: Liveness; readonly obstacle: Obstacle | undefined } | undefined;

  constructor(network: NetworkDirectory, of: LeasePass, signal: AbortSignal) {
    this.#network = network;
    this.#of = of;
    this.#signal = signal;
    this.book = new LeaseBook(network, of);
  }

  async run(): Promise<void> {
    const { hostPath, directory, isLink } = this.#network;
    const { retains, blocked } = await survey(directory);
    this.#retains = retains;
    if (retains)
      this.book.removals.trouble({ kind: "retention", path: hostPath, seen: "it keeps addresses for pods" });
    if (isLink)
      this.book.removals.trouble({ kind: "link", path: hostPath, seen: `it leads to ${directory}` });
    for (const name of blocked) {
      this.book.removals.trouble({
        kind: "address-blocked",
        path: `${hostPath}/${name}`,
        seen: "it is no file",
      });
    }
    let reads = 0;
    for (const entry of entriesOf(directory)) {
      if (this.#signal.aborted) return;
      const family = familyOfCanonical(entry.name);
      if (family === undefined) continue;
      this.book.use(family);
      if (entry.isFile()) this.#look(entry.name);
      if (++reads % READS_PER_TURN === 0) await turn();
      if (this.#candidates.length >= CANDIDATES_PER_PROOF) await this.#settle();
    }
    await this.#settle();
  }

  #look(name: string): void {
    const { hostPath, directory } = this.#network;
    const read = readWhole(directory, name, LONGEST_LEASE_BYTES);
    if (read.kind === "gone") return;
    if (read.kind !== "file") {
      const kind = read.kind === "odd" ? "address-blocked" : "unreadable";
      this.book.removals.trouble({ kind, path: `${hostPath}/${name}`, seen: read.reason });
      this.book.keep("foreign-content", undefined);
      return;
    }
    const { reading } = read;
    const content = parseLease(reading.content);
    const fingerprint = leaseFingerprint(hostPath, reading, content.kind === "owned");
    const id = idOf(content);
    this.#of.pass.note(fingerprint, id);
    this.book.note(fingerprint);
    const candidate = { reading, content, fingerprint };
    const verdict = this.#judge(candidate, this.#of.first, "held");
    if (verdict.kind === "remove" || verdict.why === "seen-too-briefly") {
      this.#candidates.push(candidate);
      return;
    }
    if (verdict.why === "foreign-content" && content.kind === "foreign") {
      this.book.removals.trouble({
        kind: "foreign-reservation",
        path: `${hostPath}/${name}`,
        seen: "it holds no id",
      });
    }
    this.book.keep(verdict.why, id);
  }

  #judge({ reading, content, fingerprint }: Candidate, liveness: Liveness, mapping: Mapping): LeaseVerdict {
    const { request, ports } = this.#of;
    const { memory, settings } = request;
    const facts: LeaseFacts = {
      address: reading.name,
      content,
      past: {
        wasListed: content.kind === "owned" && memory.wasListed(content.id),
        isFromEarlierBoot: memory.isFromEarlierBoot(fingerprint),
        orphanMillis: memory.orphanMillis(fingerprint, ports.monotonicMillis()),
      },
    };
    return judgeLease(facts, {
      network: { retains: this.#retains, mapping },
      obstacle: this.#obstacleOf(liveness),
      liveness: liveness.kind === "proven" ? liveness : undefined,
      graceMillis: settings.graceMillis,
      blankLeases: settings.blankLeases,
    });
  }

  /** The same for all leases that are judged by one look at what lives. */
  #obstacleOf(liveness: Liveness): Obstacle | undefined {
    if (this.#looked?.at === liveness) return this.#looked.obstacle;
    const missing = liveness.kind === "proven" ? this.#of.request.memory.missingRuntimes(liveness) : [];
    const obstacle = obstacleOf(liveness, missing);
    this.#looked = { at: liveness, obstacle };
    return obstacle;
  }

  async #settle(): Promise<void> {
    const candidates = this.#candidates;
    if (candidates.length === 0) return;
    this.#candidates = [];
    const { request, ports, pass } = this.#of;
    const liveness = await ports.prove(this.#signal);
    if (liveness.kind === "proven") {
      pass.noteLists(liveness);
      this.mapping ??= await mappingOf(this.#network, liveness, request.hostRoot);
    }
    const mapping = this.mapping ?? "silent";
    if (mapping === "broken") {
      const seen = "sandboxes run with this network, and none of them has a lease here";
      this.book.removals.trouble({ kind: "mapping-broken", path: this.#network.hostPath, seen });
    }
    const stale: StaleLease[] = [];
    for (const candidate of candidates) {
      const verdict = this.#judge(candidate, liveness, mapping);
      if (verdict.kind === "remove") stale.push({ ...candidate, rule: verdict.rule });
      else {
        if (verdict.why === "seen-too-briefly") this.book.noteOrphan(candidate);
        this.book.keep(verdict.why, idOf(candidate.content));
      }
    }
    for (let start = 0; start < stale.length; start += LEASES_PER_ORDER) {
      await this.#move(stale.slice(start, start + LEASES_PER_ORDER), mapping);
    }
  }

  async #move(batch: readonly StaleLease[], mapping: Mapping): Promise<void> {
    const { request, ports } = this.#of;
    const { name, hostPath, directory } = this.#network;
    const acts = request.settings.leases === "on" && !this.#signal.aborted;
    if (ports.apply === undefined || !acts) {
      for (const candidate of batch) this.book.settled(candidate, "would-move", () => "");
      return;
    }
    // What is there under the lock is the very same file: else it is not asked about.
    const byName = new Map(batch.map((candidate) => [candidate.reading.name, candidate]));
    const result = await ports.apply.leases(
      {
        network: name,
        directory,
        leases: batch.map(({ reading }) => reading),
        stillStale: (lease, liveness) => {
          const candidate = byName.get(lease.name);
          return candidate !== undefined && this.#judge(candidate, liveness, mapping).kind === "remove";
        },
      },
      this.#signal,
    );
    if (result.kind === "skipped") {
      this.book.removals.trouble({ kind: "not-removed", path: hostPath, seen: result.reason });
      for (const candidate of batch) this.book.settled(candidate, "skipped", () => result.reason);
      return;
    }
    for (const candidate of batch) {
      const moved = result.results.get(candidate.reading.name);
      if (moved?.kind === "failed") {
        this.book.removals.trouble({ kind: "not-removed", path: hostPath, seen: moved.message });
      }
      this.book.settled(candidate, moved?.kind ?? "skipped", () => detailOf(moved, request.hostRoot));
    }
  }
}

function detailOf(result: MoveResult | undefined, hostRoot: string): string {
  switch (result?.kind) {
    case undefined:
      return "nothing is known of it";
    case "moved":
      return `it is now ${nodePathOf(hostRoot, result.to)}`;
    case "gone":
      return "somebody else removed it";
    case "changed":
      return result.reason;
    case "failed":
      return result.message;
  }
}
