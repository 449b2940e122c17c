/** A map from fingerprints to small numbers in typed arrays: 12 bytes a slot and no objects, 2.5 MB for 100,000. */
import type { Fingerprint } from "./fingerprint.ts";

const LEAST_SLOTS = 64;
const ENTRY_BYTES = 8;
/** Fuller than that, and searches get long; larger steps leave more of it empty. */
const MOST_FULL = 0.75;
const GROWTH = 1.6;

export class FingerprintMap {
  /** High and low of each slot in turn; 0, 0 is an empty one. */
  #keys: Uint32Array<ArrayBuffer>;
  #values: Uint32Array<ArrayBuffer>;
  #size = 0;

  constructor(slots = LEAST_SLOTS) {
    this.#keys = new Uint32Array(slots * 2);
    this.#values = new Uint32Array(slots);
  }

  get size(): number {
    return this.#size;
  }

  has(fingerprint: Fingerprint): boolean {
    return this.get(fingerprint) !== undefined;
  }

  get({ high, low }: Fingerprint): number | undefined {
    const slot = this.#slotOf(high, nonZero(high, low));
    return this.#isEmpty(slot) ? undefined : this.#values[slot];
  }

  /** @param value an unsigned number of 32 bits */
  set({ high, low }: Fingerprint, value = 1): void {
    if (this.#size + 1 > this.#values.length * MOST_FULL) this.#rebuild(this.#values.length * GROWTH);
    this.#put(high, nonZero(high, low), value);
  }

  addAll(other: FingerprintMap): void {
    other.#each((high, low, value) => this.set({ high, low }, value));
  }

  /** Changes every value; entries whose value becomes undefined are dropped. */
  update(change: (value: number) => number | undefined): void {
    const dropped = new Uint8Array(this.#values.length);
    let count = 0;
    this.#each((_high, _low, value, slot) => {
      const now = change(value);
      if (now === undefined) {
        dropped[slot] = 1;
        count += 1;
      } else this.#values[slot] = now;
    });
    if (count === 0) return;
    const slots = Math.max(LEAST_SLOTS, (this.#size - count) / (MOST_FULL * 0.8));
    this.#rebuild(slots, dropped);
  }

  /** Keys of those entries whose value is wanted, for the journal. */
  toBytes(isWanted: (value: number) => boolean = () => true): Buffer {
    let count = 0;
    this.#each((_high, _low, value) => {
      if (isWanted(value)) count += 1;
    });
    const bytes = Buffer.allocUnsafe(count * ENTRY_BYTES);
    let offset = 0;
    this.#each((high, low, value) => {
      if (isWanted(value)) offset = bytes.writeUInt32LE(low, bytes.writeUInt32LE(high, offset));
    });
    return bytes;
  }

  /** The same for the same wanted keys in whatever order, another one for others. Makes nothing to be collected. */
  stamp(isWanted: (value: number) => boolean = () => true): string {
    let [count, highs, lows] = [0, 0, 0];
    this.#each((high, low, value) => {
      if (!isWanted(value)) return;
      count += 1;
      highs = (highs + mixed(high, low)) >>> 0;
      lows = (lows + mixed(low, ~high)) >>> 0;
    });
    return `${count} ${highs} ${lows}`;
  }

  /** Undefined if these are no whole entries. */
  static fromBytes(bytes: Buffer): FingerprintMap | undefined {
    if (bytes.length % ENTRY_BYTES !== 0) return undefined;
    const map = new FingerprintMap();
    for (let offset = 0; offset < bytes.length; offset += ENTRY_BYTES) {
      map.set({ high: bytes.readUInt32LE(offset), low: bytes.readUInt32LE(offset + 4) });
    }
    return map;
  }

  #put(high: number, low: number, value: number): void {
    const slot = this.#slotOf(high, low);
    if (this.#isEmpty(slot)) this.#size += 1;
    this.#keys[slot * 2] = high;
    this.#keys[slot * 2 + 1] = low;
    this.#values[slot] = value;
  }

  /** Where it is, or where it would go. */
  #slotOf(high: number, low: number): number {
    const keys = this.#keys;
    const slots = this.#values.length;
    // Without calls: it is most of what a pass over many leases does here, and the agent runs interpreted.
    for (let slot = mixed(high, low) % slots; ; slot = (slot + 1) % slots) {
      const there = keys[slot * 2];
      const below = keys[slot * 2 + 1];
      if ((there === high && below === low) || (there === 0 && below === 0)) return slot;
    }
  }

  #isEmpty(slot: number): boolean {
    return this.#keys[slot * 2] === 0 && this.#keys[slot * 2 + 1] === 0;
  }

  #each(visit: (high: number, low: number, value: number, slot: number) => void): void {
    const keys = this.#keys;
    const values = this.#values;
    for (let slot = 0; slot < values.length; slot += 1) {
      const high = keys[slot * 2] ?? 0;
      const low = keys[slot * 2 + 1] ?? 0;
      if (high !== 0 || low !== 0) visit(high, low, values[slot] ?? 0, slot);
    }
  }

  #rebuild(slots: number, dropped?: Uint8Array): void {
    const larger = new FingerprintMap(Math.ceil(slots));
    this.#each((high, low, value, slot) => {
      if (dropped?.[slot] !== 1) larger.#put(high, low, value);
    });
    // Given back at once: what is only collected some time later is still there while the next ones are made.
    this.#keys.buffer.transfer(0);
    this.#values.buffer.transfer(0);
    this.#keys = larger.#keys;
    this.#values = larger.#values;
    this.#size = larger.#size;
  }
}

/** All bits count for the lowest ones (MurmurHash3's last step), as ids of tests and of others may differ in a few. */
function mixed(high: number, low: number): number {
  let mix = high ^ Math.imul(low, 0x9e37_79b1);
  mix = Math.imul(mix ^ (mix >>> 16), 0x85eb_ca6b);
  mix = Math.imul(mix ^ (mix >>> 13), 0xc2b2_ae35);
  return (mix ^ (mix >>> 16)) >>> 0;
}

/** So that no entry looks like an empty slot. */
function nonZero(high: number, low: number): number {
  return high === 0 && low === 0 ? 1 : low;
}
