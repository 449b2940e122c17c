/**
 * What the agent remembers of leases, caches and sandbox ids: by it alone it can tell that an id which no list shows
 * belongs to nobody, and not to a sandbox that is just being made (facts/cni-state.md 4). Times are monotonic; neither
 * the wall clock nor a file's dates are ever asked.
 */
import type { Liveness } from "../liveness/liveness.ts";
import { FingerprintMap } from "./fingerprint-map.ts";
import { idFingerprint, type Fingerprint } from "./fingerprint.ts";
import type { BootTally, LeaseRecord } from "./record.ts";

/** Orphan sightings are kept in tenths of a second. */
const TICK_MILLIS = 100;
const MOST_BOOTS = 10;

type Proven = Extract<Liveness, { readonly kind: "proven" }>;

export class Memory {
  readonly #bootID: string | undefined;
  /** Known of before this boot. Of an id, a lease or a cache; never of a moment. */
  #earlier = new FingerprintMap();
  #listed = new FingerprintMap();
  #seen = new FingerprintMap();
  /** When this process first saw it as nobody's, in ticks. */
  #orphans = new FingerprintMap();
  readonly #runtimes = new Set<string>();
  #boots: readonly BootTally[] = [];
  readonly #knowsEarlierBoot: boolean;

  /**
   * @param record of the journal; undefined if there is none, or a corrupt one: then everything takes longer
   * @param bootID undefined if it can't be told: then nothing is known to be of an earlier boot
   */
  constructor(record: LeaseRecord | undefined, bootID: string | undefined) {
    this.#bootID = bootID;
    this.#boots = record?.boots ?? [];
    this.#knowsEarlierBoot = record !== undefined && bootID !== undefined && hadEarlierBoot(record, bootID);
    if (record === undefined || bootID === undefined) return;
    this.#listed.addAll(record.listed);
    this.#earlier.addAll(record.earlier);
    if (record.bootID === bootID) {
      this.#seen.addAll(record.seen);
      for (const hostPath of record.runtimes) this.#runtimes.add(hostPath);
    } else {
      this.#earlier.addAll(record.seen);
    }
  }

  /** False: that no lease predates this boot can't be told, only that none is known to. */
  get knowsEarlierBoot(): boolean {
    return this.#knowsEarlierBoot;
  }

  get boots(): readonly BootTally[] {
    return this.#boots;
  }

  isFromEarlierBoot(fingerprint: Fingerprint): boolean {
    return this.#earlier.has(fingerprint);
  }

  /** True if a runtime has listed it at some time. Such an id is past its making, and ids are never given twice. */
  wasListed(id: string): boolean {
    return this.#listed.has(idFingerprint(id));
  }

  /** For how long it has been nobody's each time somebody looked; undefined if it was never seen so before. */
  orphanMillis(fingerprint: Fingerprint, nowMillis: number): number | undefined {
    const ticks = this.orphanTicks(fingerprint);
    return ticks === undefined ? undefined : nowMillis - ticks * TICK_MILLIS;
  }

  /** When that began. */
  orphanTicks(fingerprint: Fingerprint): number | undefined {
    return this.#orphans.get(fingerprint);
  }

  /** Runtimes that were asked before in this boot and are not among those asked now. */
  missingRuntimes({ runtimes }: Proven): readonly string[] {
    const now = new Set(runtimes.map(({ hostPath }) => hostPath));
    return [...this.#runtimes].filter((hostPath) => !now.has(hostPath));
  }

  /** One pass over everything. */
  begin(): PassMemory {
    return new PassMemory(this);
  }

  /** Takes in a pass. One that did not see everything forgets nothing. */
  end(pass: PassMemory, isWhole: boolean): void {
    const carry = (before: FingerprintMap, now: FingerprintMap): FingerprintMap => {
      if (!isWhole) now.addAll(before);
      return now;
    };
    const orphans = pass.orphans;
    // The first sighting counts, so what was there before is put on top.
    if (!isWhole) orphans.addAll(this.#orphans);
    this.#orphans = orphans;
    this.#earlier = carry(this.#earlier, pass.earlier);
    this.#listed = carry(this.#listed, pass.listed);
    this.#seen = carry(this.#seen, pass.seen);
    for (const hostPath of pass.runtimes) this.#runtimes.add(hostPath);
    this.#tally(pass.stale);
  }

  /** For the journal; undefined while it can't be told which boot this is. */
  toRecord(): LeaseRecord | undefined {
    if (this.#bootID === undefined) return undefined;
    return {
      bootID: this.#bootID,
      seen: this.#seen,
      earlier: this.#earlier,
      listed: this.#listed,
      runtimes: [...this.#runtimes],
      boots: this.#boots,
    };
  }

  #tally(stale: ReadonlyMap<string, number>): void {
    const bootID = this.#bootID;
    if (bootID === undefined) return;
    const before = this.#boots.find((boot) => boot.bootID === bootID)?.stale ?? {};
    const counts: Record<string, number> = { ...before };
    for (const [network, count] of stale) counts[network] = (counts[network] ?? 0) + count;
    const others = this.#boots.filter((boot) => boot.bootID !== bootID);
    this.#boots = [...others, { bootID, stale: counts }].slice(-MOST_BOOTS);
  }
}

function hadEarlierBoot(record: LeaseRecord, bootID: string): boolean {
  return record.bootID !== bootID || record.boots.some((boot) => boot.bootID !== bootID);
}

/** What one pass sees. Only what is still there is carried on. */
export class PassMemory {
  readonly seen = new FingerprintMap();
  readonly earlier = new FingerprintMap();
  readonly listed = new FingerprintMap();
  readonly orphans = new FingerprintMap();
  readonly runtimes = new Set<string>();
  /** Removed leases by network directory. */
  readonly stale = new Map<string, number>();
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /** Everything that the lists show. */
  noteLists({ sandboxes, otherIDs, runtimes }: Proven): void {
    for (const id of sandboxes.keys()) this.listed.set(idFingerprint(id));
    for (const id of otherIDs) this.listed.set(idFingerprint(id));
    for (const { hostPath } of runtimes) this.runtimes.add(hostPath);
  }

  /** A lease or a cache is there, and names this id (undefined: none that can be read). */
  note(fingerprint: Fingerprint, id: string | undefined): void {
    this.seen.set(fingerprint);
    if (this.#memory.isFromEarlierBoot(fingerprint)) this.earlier.set(fingerprint);
    if (id !== undefined && this.#memory.wasListed(id)) this.listed.set(idFingerprint(id));
  }

  /** It is nobody's as far as lists tell that were asked after it was read. */
  noteOrphan(fingerprint: Fingerprint, nowMillis: number): void {
    // Rounded up, so that no wait counts as longer than it was.
    const ticks = this.#memory.orphanTicks(fingerprint) ?? Math.ceil(nowMillis / TICK_MILLIS);
    this.orphans.set(fingerprint, ticks);
  }

  noteRemoved(network: string): void {
    this.stale.set(network, (this.stale.get(network) ?? 0) + 1);
  }
}
