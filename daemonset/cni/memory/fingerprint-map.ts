/** A map from fingerprints to small numbers in typed arrays: 24 bytes for each at the most, and no objects. */
import type { Fingerprint } from "./fingerprint.ts";

const LEAST_SLOTS = 64;
const ENTRY_BYTES = 8;

export class FingerprintMap {
  /** High and low of each slot in turn; 0, 0 is an empty one. */
  #keys = new Uint32Array(LEAST_SLOTS * 2);
  #values = new Uint32Array(LEAST_SLOTS);
  #size = 0;

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
    // Two thirds full at the most, or searches get long.
    if ((this.#size + 1) * 3 > this.#values.length * 2) this.#grow();
    this.#put(high, nonZero(high, low), value);
  }

  addAll(other: FingerprintMap): void {
    for (let slot = 0; slot < other.#values.length; slot += 1) {
      if (other.#isEmpty(slot)) continue;
      const [high = 0, low = 0] = other.#keys.subarray(slot * 2, slot * 2 + 2);
      this.set({ high, low }, other.#values[slot] ?? 0);
    }
  }

  /** Without the values, for the journal. */
  toBytes(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#size * ENTRY_BYTES);
    let offset = 0;
    for (let slot = 0; slot < this.#values.length; slot += 1) {
      if (this.#isEmpty(slot)) continue;
      offset = bytes.writeUInt32LE(this.#keys[slot * 2] ?? 0, offset);
      offset = bytes.writeUInt32LE(this.#keys[slot * 2 + 1] ?? 0, offset);
    }
    return bytes;
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
    const slots = this.#values.length;
    let slot = mixed(high, low) % slots;
    for (; !this.#isEmpty(slot); slot = (slot + 1) % slots) {
      if (this.#keys[slot * 2] === high && this.#keys[slot * 2 + 1] === low) break;
    }
    return slot;
  }

  #isEmpty(slot: number): boolean {
    return this.#keys[slot * 2] === 0 && this.#keys[slot * 2 + 1] === 0;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Uint32Array(keys.length * 2);
    this.#values = new Uint32Array(values.length * 2);
    this.#size = 0;
    for (let slot = 0; slot < values.length; slot += 1) {
      const [high = 0, low = 0] = keys.subarray(slot * 2, slot * 2 + 2);
      if (high !== 0 || low !== 0) this.#put(high, low, values[slot] ?? 0);
    }
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
