/** 64 bits that stand for a lease, a cache file or a sandbox id, so that 100,000 of them are remembered in 2 MB. Pure. */
import { hash } from "node:crypto";
import type { FileReading } from "../apply/order.ts";

export interface Fingerprint {
  /** Both unsigned, 32 bits. */
  readonly high: number;
  readonly low: number;
}

/**
 * Of a lease: network directory, address and content. A blank one could be another file of the same name (an
 * administrator's `touch`), so that its inode number counts as well; an id is made once and never again.
 */
export function leaseFingerprint(
  network: string,
  { name, ino, content }: Pick<FileReading, "name" | "ino" | "content">,
  isOwned: boolean,
): Fingerprint {
  return hashed(`lease\0${network}\0${name}\0${content}\0${isOwned ? "" : ino}`);
}

/** Of a cache or scratch file by its name, which holds the sandbox's id. */
export function cacheFingerprint(directory: string, name: string): Fingerprint {
  return hashed(`cache\0${directory}\0${name}`);
}

/** Of the cache file with just this content: one that is being written is another one a moment later. */
export function contentFingerprint(directory: string, { name, ino, content }: FileReading): Fingerprint {
  return hashed(`content\0${directory}\0${name}\0${ino}\0${content}`);
}

/** Of a sandbox id: its own first 64 bits, which are random. */
export function idFingerprint(id: string): Fingerprint {
  return { high: Number.parseInt(id.slice(0, 8), 16) >>> 0, low: Number.parseInt(id.slice(8, 16), 16) >>> 0 };
}

function hashed(text: string): Fingerprint {
  // As text: a buffer for each of 100,000 leases is memory that nothing collects in time.
  const digits = hash("sha256", text, "hex");
  return { high: Number.parseInt(digits.slice(0, 8), 16), low: Number.parseInt(digits.slice(8, 16), 16) };
}
