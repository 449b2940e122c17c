/**
 * Signs a Mach-O ad hoc, as `codesign --sign -` does on a Mac: no identity, only a hash of each page, without which the
 * kernel of an arm64 Mac ends the program at its start. The format is that of apple-oss-distributions/xnu:
 * osfmk/kern/cs_blobs.h; Go's linker writes the same (golang/go: src/cmd/internal/codesign). Pure.
 */
import { createHash } from "node:crypto";
import { readMachO, roundUp, withRoomForSignature } from "./mach-o.ts";

const MAGIC_SUPER_BLOB = 0xfade0cc0;
const MAGIC_CODE_DIRECTORY = 0xfade0c02;
const SLOT_CODE_DIRECTORY = 0;
/** The oldest with the limits of the executable segment, which the kernel wants since macOS 10.14. */
const VERSION = 0x20400;
const FLAG_AD_HOC = 0x2;
const HASH_SHA256 = 2;
const HASH_BYTES = 32;
const PAGE_BYTES = 4_096;
const EXECUTABLE_IS_MAIN = 1n;

const SUPER_BLOB_BYTES = 20; // with one entry
const CODE_DIRECTORY_BYTES = 88;

/** @param identifier what the signature calls the program. @throws Error as withRoomForSignature. */
export function signAdHoc(unsigned: Buffer, identifier: string): Buffer {
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(unsigned.length / PAGE_BYTES);
  const hashesAt = CODE_DIRECTORY_BYTES + name.length;
  const directoryBytes = hashesAt + pages * HASH_BYTES;
  const room = roundUp(SUPER_BLOB_BYTES + directoryBytes, 16);
  const { file, offset } = withRoomForSignature(unsigned, room);
  const text = readMachO(file).segments.find(({ name: segment }) => segment === "__TEXT");
  if (text === undefined) throw new Error("Mach-O: no segment __TEXT");

  writeWords(file, offset, [
    MAGIC_SUPER_BLOB,
    SUPER_BLOB_BYTES + directoryBytes,
    1,
    SLOT_CODE_DIRECTORY,
    SUPER_BLOB_BYTES,
  ]);
  const directory = offset + SUPER_BLOB_BYTES;
  writeWords(file, directory, [
    MAGIC_CODE_DIRECTORY,
    directoryBytes,
    VERSION,
    FLAG_AD_HOC,
    hashesAt,
    CODE_DIRECTORY_BYTES, // where the name is
    0, // special slots: no resources, no entitlements
    pages,
    offset, // so far it vouches
  ]);
  file.set([HASH_BYTES, HASH_SHA256, 0, Math.log2(PAGE_BYTES)], directory + 36);
  file.writeBigUInt64BE(BigInt(text.fileOffset), directory + 64);
  file.writeBigUInt64BE(BigInt(text.fileBytes), directory + 72);
  file.writeBigUInt64BE(EXECUTABLE_IS_MAIN, directory + 80);
  name.copy(file, directory + CODE_DIRECTORY_BYTES);
  for (let page = 0; page < pages; page += 1) {
    const bytes = file.subarray(page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, offset));
    const hash = createHash("sha256").update(bytes).digest();
    hash.copy(file, directory + hashesAt + page * HASH_BYTES);
  }
  return file;
}

/** Signatures are big-endian, unlike what they sign. */
function writeWords(file: Buffer, at: number, words: readonly number[]): void {
  for (const [index, word] of words.entries()) file.writeUInt32BE(word, at + 4 * index);
}

export interface PageCheck {
  readonly identifier: string;
  readonly flags: number;
  readonly pages: number;
  /** Numbers of the pages whose hash is another. */
  readonly wrong: readonly number[];
  /** So many bytes from the start are vouched for. */
  readonly limit: number;
}

/** Hashes every page anew and compares, for signatures of anybody with SHA-256. @throws Error if there is none. */
export function checkPages(file: Buffer): PageCheck {
  const { signature } = readMachO(file);
  if (signature === undefined) throw new Error("Mach-O: it is not signed");
  const { offset } = signature;
  if (file.readUInt32BE(offset) !== MAGIC_SUPER_BLOB) throw new Error("signature: no super blob");
  for (let index = 0; index < file.readUInt32BE(offset + 8); index += 1) {
    const directory = offset + file.readUInt32BE(offset + 12 + index * 8 + 4);
    if (file.readUInt32BE(directory) !== MAGIC_CODE_DIRECTORY || file[directory + 37] !== HASH_SHA256)
      continue;
    const hashesAt = directory + file.readUInt32BE(directory + 16);
    const pages = file.readUInt32BE(directory + 28);
    const limit = file.readUInt32BE(directory + 32);
    const pageBytes = 2 ** (file[directory + 39] ?? 0);
    const wrong = Array.from({ length: pages }, (_, page) => page).filter((page) => {
      const bytes = file.subarray(page * pageBytes, Math.min((page + 1) * pageBytes, limit));
      const stored = file.subarray(hashesAt + page * HASH_BYTES, hashesAt + (page + 1) * HASH_BYTES);
      return !createHash("sha256").update(bytes).digest().equals(stored);
    });
    const nameAt = directory + file.readUInt32BE(directory + 20);
    const identifier = file.toString("utf8", nameAt, file.indexOf(0, nameAt));
    return { identifier, flags: file.readUInt32BE(directory + 12), pages, wrong, limit };
  }
  throw new Error("signature: no directory of SHA-256 hashes");
}
