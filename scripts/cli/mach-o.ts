/** What an ad-hoc signature needs to know of a Mach-O file: thin, 64-bit, little-endian. Pure. */

const MAGIC_64 = 0xfeedfacf;
const HEADER_BYTES = 32;
const LC_SEGMENT_64 = 0x19;
const LC_CODE_SIGNATURE = 0x1d;
const SECTION_BYTES = 80;

export interface Segment {
  /** Where its load command stands. */
  readonly at: number;
  readonly name: string;
  readonly fileOffset: number;
  readonly fileBytes: number;
  /** File offset of its first section that has bytes; undefined if there is none. */
  readonly firstSection: number | undefined;
}

export interface MachO {
  readonly commandCount: number;
  /** Where the load commands end. */
  readonly commandsEnd: number;
  readonly segments: readonly Segment[];
  /** Where its bytes are; undefined: not signed. */
  readonly signature: { readonly offset: number; readonly bytes: number } | undefined;
}

/** @throws Error if it is no such file, or cut off. */
export function readMachO(file: Buffer): MachO {
  if (file.length < HEADER_BYTES || file.readUInt32LE(0) !== MAGIC_64) {
    throw new Error("no thin 64-bit Mach-O: its magic number is another");
  }
  const commandCount = file.readUInt32LE(16);
  const commandsEnd = HEADER_BYTES + file.readUInt32LE(20);
  if (commandsEnd > file.length) throw new Error("Mach-O: its load commands reach beyond its end");
  const segments: Segment[] = [];
  let signature: MachO["signature"];
  let at = HEADER_BYTES;
  for (let index = 0; index < commandCount; index += 1) {
    const kind = file.readUInt32LE(at);
    const bytes = file.readUInt32LE(at + 4);
    if (bytes < 8 || at + bytes > commandsEnd)
      throw new Error(`Mach-O: load command ${index} is ${bytes} bytes long`);
    if (kind === LC_SEGMENT_64) segments.push(readSegment(file, at));
    if (kind === LC_CODE_SIGNATURE) {
      signature = { offset: file.readUInt32LE(at + 8), bytes: file.readUInt32LE(at + 12) };
    }
    at += bytes;
  }
  return { commandCount, commandsEnd, segments, signature };
}

function readSegment(file: Buffer, at: number): Segment {
  const sections = Array.from({ length: file.readUInt32LE(at + 64) }, (_, index) => {
    const section = at + 72 + index * SECTION_BYTES;
    return { bytes: Number(file.readBigUInt64LE(section + 40)), offset: file.readUInt32LE(section + 48) };
  });
  const offsets = sections.filter(({ bytes, offset }) => bytes > 0 && offset > 0).map(({ offset }) => offset);
  return {
    at,
    name: file.toString("latin1", at + 8, at + 24).replace(/\0.*$/s, ""),
    fileOffset: Number(file.readBigUInt64LE(at + 40)),
    fileBytes: Number(file.readBigUInt64LE(at + 48)),
    firstSection: offsets.length === 0 ? undefined : Math.min(...offsets),
  };
}

/**
 * A copy with room for a signature of so many bytes at its end, and everything in place that the signature then vouches
 * for: the load command that points to it, and a __LINKEDIT that covers it.
 * @throws Error if it has a signature already or no room for one more load command.
 */
export function withRoomForSignature(
  file: Buffer,
  bytes: number,
): { readonly file: Buffer; readonly offset: number } {
  const { commandCount, commandsEnd, segments, signature } = readMachO(file);
  if (signature !== undefined) throw new Error("Mach-O: it is signed already");
  const linkedit = segments.find(({ name }) => name === "__LINKEDIT");
  if (linkedit === undefined || linkedit.fileOffset + linkedit.fileBytes !== file.length) {
    throw new Error("Mach-O: __LINKEDIT is not at its end");
  }
  const firstSection = Math.min(...segments.flatMap((segment) => segment.firstSection ?? []));
  if (commandsEnd + 16 > firstSection) throw new Error("Mach-O: no room for one more load command");
  const offset = roundUp(file.length, 16);
  const signed = Buffer.alloc(offset + bytes);
  file.copy(signed);
  signed.writeUInt32LE(commandCount + 1, 16);
  signed.writeUInt32LE(commandsEnd + 16 - HEADER_BYTES, 20);
  for (const [index, word] of [LC_CODE_SIGNATURE, 16, offset, bytes].entries()) {
    signed.writeUInt32LE(word, commandsEnd + 4 * index);
  }
  const linkeditBytes = signed.length - linkedit.fileOffset;
  // Pages of arm64; a multiple of those of amd64 too.
  signed.writeBigUInt64LE(BigInt(roundUp(linkeditBytes, 16_384)), linkedit.at + 32);
  signed.writeBigUInt64LE(BigInt(linkeditBytes), linkedit.at + 48);
  return { file: signed, offset };
}

export function roundUp(count: number, step: number): number {
  return Math.ceil(count / step) * step;
}
