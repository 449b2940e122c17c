/**
 * Reads protobuf's wire format, no further than the agent needs it: strings, integers and messages in messages.
 *
 * Own code rather than @grpc/proto-loader with protobufjs for its size. Resident memory of the bundled client (Node 24,
 * default flags) after lists of 300 containers in a row, median of 5 runs taken in turn; an empty program has 47.7 MB:
 *                       1 list    20 lists   200 lists
 *   proto-loader         73.7        90.2       183.0 MB
 *   this way             65.5        81.3       118.9 MB
 * The heap after a collection stays at 7 MB; the rest is garbage of lists without a pause between them, and
 * --max-semi-space-size=1 brings both to about 105 MB after 200. The bundle has 411 kB, 604 kB with the loader, which
 * grpc-js asks for only where a server offers channelz or ORCA and which is therefore left out (scripts/bundle.ts).
 * What counts is to make no object, no view and no name per field: a first version that did was as large as the loader.
 * Reading by hand also tells nonsense (a field of the wrong wire type) from an absent field.
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

/** Numbers per field in the flat list: field number, wire type, start and end of the value (of BYTES without its length). */
const STRIDE = 4;

/** One message, its fields found but decoded only when asked for. An absent field reads as proto3's default. */
export class Message {
  readonly #label: string | number;
  readonly #parent: Message | undefined;
  readonly #bytes: Buffer;
  /** Flat, and all messages of an answer share its bytes: objects and views per field cost more than the texts. */
  readonly #fields: readonly number[];

  /**
   * A whole answer, or with `parent` the part of its bytes that is its field `label`. The label is for error messages.
   * @throws NonsenseError if it is not protobuf.
   */
  constructor(label: string | number, bytes: Buffer, start = 0, end = bytes.length, parent?: Message) {
    this.#label = label;
    this.#parent = parent;
    this.#bytes = bytes;
    this.#fields = findFields(bytes, start, end, () => this.name);
  }

  /** `ListContainersResponse.1` is the message in its field 1. */
  get name(): string {
    return this.#parent === undefined ? String(this.#label) : `${this.#parent.name}.${this.#label}`;
  }

  has(number: number): boolean {
    return this.#last(number) >= 0;
  }

  string(number: number): string {
    const at = this.#lastOf(number, BYTES);
    return at < 0 ? "" : this.#bytes.toString("utf8", this.#start(at), this.#end(at));
  }

  bool(number: number): boolean {
    return this.#varint(number) !== 0n;
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
    const at = this.#lastOf(number, BYTES);
    return at < 0 ? undefined : this.#nested(at);
  }

  messages(number: number): readonly Message[] {
    return Array.from(this.#eachMessage(number));
  }

  /** As `messages`, one at a time, so that each can be let go of before the next. */
  mapMessages<T>(number: number, read: (message: Message) => T): readonly T[] {
    return Array.from(this.#eachMessage(number), read);
  }

  /** Those entries of a map<string, string> whose key is in `keys`. */
  entries(number: number, keys: ReadonlySet<string>): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const entry of this.#eachMessage(number)) {
      const key = entry.string(1);
      if (keys.has(key)) found.set(key, entry.string(2));
    }
    return found;
  }

  *#eachMessage(number: number): Generator<Message> {
    for (let at = 0; at < this.#fields.length; at += STRIDE) {
      if (this.#fields[at] === number) yield this.#nested(this.#ofWire(at, BYTES));
    }
  }

  #nested(at: number): Message {
    return new Message(this.#fields[at] ?? 0, this.#bytes, this.#start(at), this.#end(at), this);
  }

  #varint(number: number): bigint {
    const at = this.#lastOf(number, VARINT);
    if (at < 0) return 0n;
    let value = 0n;
    for (let byte = this.#end(at) - 1; byte >= this.#start(at); byte--) {
      value = (value << 7n) | BigInt((this.#bytes[byte] ?? 0) & 0x7f);
    }
    return BigInt.asUintN(64, value);
  }

  #ranged(number: number, value: bigint, least: bigint, most: bigint): number {
    if (value >= least && value <= most) return Number(value);
    throw new NonsenseError(`${this.name}: field ${number} is ${value}, which does not fit 32 bits`);
  }

  /** The last one holds when a field that may be there once is there twice. -1 if there is none. */
  #last(number: number): number {
    for (let at = this.#fields.length - STRIDE; at >= 0; at -= STRIDE) {
      if (this.#fields[at] === number) return at;
    }
    return -1;
  }

  #lastOf(number: number, wire: number): number {
    const at = this.#last(number);
    return at < 0 ? at : this.#ofWire(at, wire);
  }

  #ofWire(at: number, wire: number): number {
    if (this.#fields[at + 1] === wire) return at;
    const [number, found] = [this.#fields[at], this.#fields[at + 1]];
    throw new NonsenseError(`${this.name}: field ${number} has wire type ${found} instead of ${wire}`);
  }

  #start(at: number): number {
    return this.#fields[at + 2] ?? 0;
  }

  #end(at: number): number {
    return this.#fields[at + 3] ?? 0;
  }
}

/** Positions in messages of errors count from the start of the message. */
function findFields(bytes: Buffer, start: number, end: number, name: () => string): readonly number[] {
  const fields: number[] = [];
  let at = start;
  while (at < end) {
    if (fields.length === MAX_FIELDS * STRIDE)
      throw new NonsenseError(`${name()}: more than ${MAX_FIELDS} fields`);
    const tagEnd = varintEnd(bytes, at, end);
    if (tagEnd < 0) throw badNumber(name(), at - start);
    const tag = smallVarint(bytes, at, tagEnd);
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (number === 0 || number > MAX_FIELD_NUMBER) {
      throw new NonsenseError(`${name()}: field number ${number} at byte ${at - start}`);
    }
    let valueStart = tagEnd;
    let valueEnd: number;
    if (wire === VARINT) valueEnd = varintEnd(bytes, tagEnd, end);
    else if (wire === FIXED64) valueEnd = tagEnd + 8;
    else if (wire === FIXED32) valueEnd = tagEnd + 4;
    else if (wire === BYTES) {
      valueStart = varintEnd(bytes, tagEnd, end);
      valueEnd = valueStart < 0 ? -1 : valueStart + smallVarint(bytes, tagEnd, valueStart);
    } else {
      // 3 and 4 were proto2's groups, 6 and 7 were never anything.
      throw new NonsenseError(`${name()}: wire type ${wire} at byte ${tagEnd - start}`);
    }
    if (valueEnd < 0) throw badNumber(name(), tagEnd - start);
    if (valueEnd > end) throw new NonsenseError(`${name()}: field ${number} ends after the message`);
    fields.push(number, wire, valueStart, valueEnd);
    at = valueEnd;
  }
  return fields;
}

function badNumber(name: string, at: number): NonsenseError {
  return new NonsenseError(`${name}: no whole number of at most ${MAX_VARINT_BYTES} bytes at byte ${at}`);
}

/** -1 if the number does not end, within ten bytes and before `end`. */
function varintEnd(bytes: Buffer, start: number, end: number): number {
  const most = Math.min(end, start + MAX_VARINT_BYTES);
  for (let at = start; at < most; at++) if ((bytes[at] ?? 0x80) < 0x80) return at + 1;
  return -1;
}

/** Exact up to 2^53; more is longer than any message and fails as that. */
function smallVarint(bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = end - 1; at >= start; at--) value = value * 128 + ((bytes[at] ?? 0) & 0x7f);
  return value;
}
