/**
 * Reads protobuf's wire format, no further than the agent needs it: strings, integers and messages in messages.
 *
 * Own code rather than a library for its size: esbuild bundle of the agent's gRPC client, and resident memory after 20
 * lists of 300 containers (Node 24, median of 5 runs, an empty program takes 47.7 MB):
 *   @grpc/proto-loader with protobufjs   590 kB, 90.1 MB (38 MB anonymous)
 *   protobufjs/minimal, by hand          635 kB, 81.2 MB
 *   @bufbuild/protobuf/wire, by hand     600 kB, 79.9 MB
 *   this way                             591 kB, 79.3 MB (30 MB anonymous); 397 kB if the bundle leaves out
 *                                        @grpc/proto-loader, which grpc-js loads only for channelz and ORCA
 * Reading by hand also tells nonsense (a field of the wrong wire type) from an absent field; the loader does not.
 *
 * https://protobuf.dev/programming-guides/encoding/
 */
import { NonsenseError } from "./nonsense.ts";

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

/** More fields than any true answer has; keeps 16 MiB of two-byte fields from becoming gigabytes of objects. */
const MAX_FIELDS = 65_536;
const MAX_VARINT_BYTES = 10;
const MAX_FIELD_NUMBER = 2 ** 29 - 1;

/** Where a field's value lies in the message; of BYTES without its length. */
interface Field {
  readonly number: number;
  readonly wire: number;
  readonly start: number;
  readonly end: number;
}

/** One message, its fields found but decoded only when asked for. An absent field reads as proto3's default. */
export class Message {
  /** `ListContainersResponse.1` is the message in its field 1. */
  readonly name: string;
  readonly #bytes: Buffer;
  readonly #fields: readonly Field[];

  /**
   * `name` is for error messages.
   * @throws NonsenseError if `bytes` is not protobuf.
   */
  constructor(name: string, bytes: Buffer) {
    this.name = name;
    this.#bytes = bytes;
    this.#fields = findFields(name, bytes);
  }

  has(number: number): boolean {
    return this.#fields.some((field) => field.number === number);
  }

  string(number: number): string {
    const field = this.#last(number, BYTES);
    return field === undefined ? "" : this.#bytes.toString("utf8", field.start, field.end);
  }

  bool(number: number): boolean {
    return this.int64(number) !== 0n;
  }

  int64(number: number): bigint {
    return BigInt.asIntN(64, this.#varint(number));
  }

  /** Also for enums: every value a sender may write, known or not. */
  int32(number: number): number {
    return this.#ranged(number, this.int64(number), -0x8000_0000n, 0x7fff_ffffn);
  }

  uint32(number: number): number {
    return this.#ranged(number, this.#varint(number), 0n, 0xffff_ffffn);
  }

  message(number: number): Message | undefined {
    const field = this.#last(number, BYTES);
    return field === undefined ? undefined : this.#nested(field);
  }

  messages(number: number): readonly Message[] {
    return this.#fields
      .filter((field) => field.number === number)
      .map((field) => this.#nested(this.#ofWire(field, BYTES)));
  }

  /** Those entries of a map<string, string> whose key is in `keys`. */
  entries(number: number, keys: ReadonlySet<string>): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const entry of this.messages(number)) {
      const key = entry.string(1);
      if (keys.has(key)) found.set(key, entry.string(2));
    }
    return found;
  }

  #nested(field: Field): Message {
    return new Message(`${this.name}.${field.number}`, this.#bytes.subarray(field.start, field.end));
  }

  #varint(number: number): bigint {
    const field = this.#last(number, VARINT);
    if (field === undefined) return 0n;
    let value = 0n;
    for (let at = field.end - 1; at >= field.start; at--) {
      value = (value << 7n) | BigInt((this.#bytes[at] ?? 0) & 0x7f);
    }
    return BigInt.asUintN(64, value);
  }

  #ranged(number: number, value: bigint, least: bigint, most: bigint): number {
    if (value >= least && value <= most) return Number(value);
    throw new NonsenseError(`${this.name}: field ${number} is ${value}, which does not fit 32 bits`);
  }

  /** The last one holds when a field that may be there once is there twice. */
  #last(number: number, wire: number): Field | undefined {
    const field = this.#fields.findLast((candidate) => candidate.number === number);
    return field === undefined ? undefined : this.#ofWire(field, wire);
  }

  #ofWire(field: Field, wire: number): Field {
    if (field.wire === wire) return field;
    throw new NonsenseError(
      `${this.name}: field ${field.number} has wire type ${field.wire} instead of ${wire}`,
    );
  }
}

function findFields(name: string, bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (fields.length === MAX_FIELDS) throw new NonsenseError(`${name}: more than ${MAX_FIELDS} fields`);
    const tagEnd = varintEnd(name, bytes, at);
    const tag = smallVarint(bytes, at, tagEnd);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0 || number > MAX_FIELD_NUMBER) {
      throw new NonsenseError(`${name}: field number ${number} at byte ${at}`);
    }
    const [start, end] = valueRange(name, bytes, tagEnd, wire);
    if (end > bytes.length) throw new NonsenseError(`${name}: field ${number} ends after the message`);
    fields.push({ number, wire, start, end });
    at = end;
  }
  return fields;
}

function valueRange(name: string, bytes: Buffer, at: number, wire: number): readonly [number, number] {
  switch (wire) {
    case VARINT:
      return [at, varintEnd(name, bytes, at)];
    case FIXED64:
      return [at, at + 8];
    case FIXED32:
      return [at, at + 4];
    case BYTES: {
      const start = varintEnd(name, bytes, at);
      return [start, start + smallVarint(bytes, at, start)];
    }
    default:
      // 3 and 4 were proto2's groups, 6 and 7 were never anything.
      throw new NonsenseError(`${name}: wire type ${wire} at byte ${at}`);
  }
}

function varintEnd(name: string, bytes: Buffer, start: number): number {
  for (let at = start; at < start + MAX_VARINT_BYTES; at++) {
    const byte = bytes[at];
    if (byte === undefined) throw new NonsenseError(`${name}: ends within a number at byte ${at}`);
    if (byte < 0x80) return at + 1;
  }
  throw new NonsenseError(`${name}: number longer than ${MAX_VARINT_BYTES} bytes at byte ${start}`);
}

/** Exact up to 2^53; more is longer than any message and fails as that. */
function smallVarint(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 128 + ((bytes[at] ?? 0) & 0x7f);
  return value;
}
