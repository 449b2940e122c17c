/**
 * What the agent remembers of leases, caches and sandbox ids: by it alone it can tell that an id which no list shows
 * belongs to nobody, and not to a sandbox that is just being made (facts/cni-state.md 4). Times are monotonic; neither
 * the wall clock nor a file's dates are ever asked.
 */
import type { Liveness } from "../liveness/liveness.ts";
import { FingerprintMap } from "./fingerprint-map.ts";
import { idFingerprint, type Fingerprint } from "./fingerprint.ts";
import type { BootTally, LeaseRecord, WrittenRecord } from "./record.ts";
import { Sightings } from "./sightings.ts";

const MOST_BOOTS = 10;

type Proven = Extract<Liveness, { readonly kind: "proven" }>;

export class Memory {
  readonly #bootID: string | undefined;
  readonly #sightings = new Sightings();
  #listed = new FingerprintMap();
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
    const isSameBoot = record.bootID === bootID;
    this.#sightings.load(record.seen, !isSameBoot);
    this.#sightings.load(record.earlier, true);
    if (isSameBoot) for (const hostPath of record.runtimes) this.#runtimes.add(hostPath);
  }

  /** False: that no lease predates this boot can't be told, only that none is known to. */
  get knowsEarlierBoot(): boolean {
    return this.#knowsEarlierBoot;
  }

  get boots(): readonly BootTally[] {
    return this.#boots;
  }

  isFromEarlierBoot(fingerprint: Fingerprint): boolean {
    return this.#sightings.isFromEarlierBoot(fingerprint);
  }

  /** True if a runtime has listed it at some time. Such an id is past its making, and ids are never given twice. */
  wasListed(id: string): boolean {
    return this.#listed.has(idFingerprint(id));
  }

  /** For how long it has been nobody's each time somebody looked; undefined if it was never seen so before. */
  orphanMillis(fingerprint: Fingerprint, nowMillis: number): number | undefined {
    return this.#sightings.orphanMillis(fingerprint, nowMillis);
  }

  /** Runtimes that were asked before in this boot and are not among those asked now. */
  missingRuntimes({ runtimes }: Proven): readonly string[] {
    const now = new Set(runtimes.map(({ hostPath }) => hostPath));
    return [...this.#runtimes].filter((hostPath) => !now.has(hostPath));
  }

  /** One pass over everything. */
  begin(): PassMemory {
    return new PassMemory(this, this.#sightings);
  }

  /** Takes in a pass. One that did not see everything forgets nothing. */
  end(pass: PassMemory, isWhole: boolean): void {
    this.#sightings.end(isWhole);
    if (!isWhole) pass.listed.addAll(this.#listed);
    this.#listed = pass.listed;
    for (const hostPath of pass.runtimes) this.#runtimes.add(hostPath);
    this.#tally(pass.stale);
  }

  /** Another one if `toRecord` would give another, at no cost. */
  stamp(): string {
    const small = JSON.stringify([this.#bootID, [...this.#runtimes], this.#boots]);
    return `${this.#sightings.stamp()} ${this.#listed.stamp()} ${small}`;
  }

  /** For the journal; undefined while it can't be told which boot this is. */
  toRecord(): WrittenRecord | undefined {
    if (this.#bootID === undefined) return undefined;
    return {
      bootID: this.#bootID,
      seen: this.#sightings.files(),
      earlier: this.#sightings.filesOfEarlierBoots(),
      listed: this.#listed.toBytes(),
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
  readonly listed = new FingerprintMap();
  readonly runtimes = new Set<string>();
  /** Removed leases by network directory. */
  readonly stale = new Map<string, number>();
  readonly #memory: Memory;

  readonly #sightings: Sightings;

  constructor(memory: Memory, sightings: Sightings) {
    this.#memory = memory;
    this.#sightings = sightings;
  }

  /** Everything that the lists show. */
  noteLists({ sandboxes, otherIDs, runtimes }: Proven): void {
    for (const id of sandboxes.keys()) this.listed.set(idFingerprint(id));
    for (const id of otherIDs) this.listed.set(idFingerprint(id));
    for (const { hostPath } of runtimes) this.runtimes.add(hostPath);
  }

  /** A lease or a cache is there, and names this id (undefined: none that can be read). */
  note(fingerprint: Fingerprint, id: string | undefined): void {
    this.#sightings.note(fingerprint);
    if (id !== undefined && this.#memory.wasListed(id)) this.listed.set(idFingerprint(id));
  }

  /** It is nobody's as far as lists tell that were asked after it was read. */
  noteOrphan(fingerprint: Fingerprint, nowMillis: number): void {
    this.#sightings.noteOrphan(fingerprint, nowMillis);
  }

  noteRemoved(network: string): void {
    this.stale.set(network, (this.stale.get(network) ?? 0) + 1);
  }
}
