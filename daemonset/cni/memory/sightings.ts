/** What is known of files that were seen, 12 bytes each: whether an earlier boot saw them, and since when nobody's. */
import type { Fingerprint } from "./fingerprint.ts";
import { FingerprintMap } from "./fingerprint-map.ts";

/** A lease or a cache, of which the journal is told. Else a content that only this process remembers. */
const FILE = 0x4000_0000;
const EARLIER_BOOT = 0x8000_0000;
/** Of the present pass, taken back at its end. */
const NOW = 0x2000_0000;
const ORPHAN_NOW = 0x1000_0000;
/** Seconds plus one since which it has been nobody's; 0: it is not. 8 years. */
const SINCE = 0x0fff_ffff;
const SECOND_MILLIS = 1_000;

export class Sightings {
  readonly #values = new FingerprintMap();

  /** From the journal. */
  load(files: FingerprintMap, isEarlierBoot: boolean): void {
    const marked = new FingerprintMap();
    marked.addAll(files);
    marked.update(() => (isEarlierBoot ? (FILE | EARLIER_BOOT) >>> 0 : FILE));
    this.#values.addAll(marked);
  }

  note(fingerprint: Fingerprint): void {
    this.#mark(fingerprint, FILE | NOW);
  }

  noteOrphan(fingerprint: Fingerprint, nowMillis: number): void {
    const value = this.#values.get(fingerprint) ?? 0;
    // Rounded up, so that no wait counts as longer than it was.
    const since = value & SINCE || Math.min(SINCE, Math.ceil(nowMillis / SECOND_MILLIS) + 1);
    this.#mark(fingerprint, NOW | ORPHAN_NOW | since);
  }

  isFromEarlierBoot(fingerprint: Fingerprint): boolean {
    return ((this.#values.get(fingerprint) ?? 0) & EARLIER_BOOT) !== 0;
  }

  orphanMillis(fingerprint: Fingerprint, nowMillis: number): number | undefined {
    const since = (this.#values.get(fingerprint) ?? 0) & SINCE;
    return since === 0 ? undefined : nowMillis - (since - 1) * SECOND_MILLIS;
  }

  /** After a pass. One that did not see everything forgets nothing. */
  end(isWhole: boolean): void {
    this.#values.update((value) => {
      if (isWhole && (value & NOW) === 0) return undefined;
      const isOrphan = !isWhole || (value & ORPHAN_NOW) !== 0;
      return (value & (FILE | EARLIER_BOOT | (isOrphan ? SINCE : 0))) >>> 0;
    });
  }

  /** For the journal. */
  files(): Buffer {
    return this.#values.toBytes(isFile);
  }

  filesOfEarlierBoots(): Buffer {
    return this.#values.toBytes(isFileOfEarlierBoot);
  }

  /** Another one if what the journal is told is another. */
  stamp(): string {
    return `${this.#values.stamp(isFile)} ${this.#values.stamp(isFileOfEarlierBoot)}`;
  }

  #mark(fingerprint: Fingerprint, bits: number): void {
    this.#values.set(fingerprint, ((this.#values.get(fingerprint) ?? 0) | bits) >>> 0);
  }
}

const isFile = (value: number): boolean => (value & FILE) !== 0;
const isFileOfEarlierBoot = (value: number): boolean => isFile(value) && (value & EARLIER_BOOT) !== 0;
