/** DER building blocks over node-forge's encoder. Bytes come and go as Buffers; forge's own form is binary strings. */
import forge from "node-forge";

const { asn1 } = forge;

export type Asn1 = forge.asn1.Asn1;

export function sequence(parts: readonly Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [...parts]);
}

export function set(parts: readonly Asn1[]): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SET, true, [...parts]);
}

/** `[tag]`: with parts it is constructed (EXPLICIT), with bytes primitive (IMPLICIT). */
export function context(tag: number, value: readonly Asn1[] | Buffer): Asn1 {
  if (Buffer.isBuffer(value)) {
    return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, false, value.toString("binary"));
  }
  return asn1.create(asn1.Class.CONTEXT_SPECIFIC, tag, true, [...value]);
}

/** Big-endian two's complement without padding; the caller sees to both. */
export function integer(value: Buffer): Asn1 {
  return primitive(asn1.Type.INTEGER, value);
}

export function boolean(value: boolean): Asn1 {
  return primitive(asn1.Type.BOOLEAN, Buffer.from([value ? 0xff : 0]));
}

export function octets(value: Buffer): Asn1 {
  return primitive(asn1.Type.OCTETSTRING, value);
}

export function bitString(value: Buffer, unusedBits: number): Asn1 {
  return primitive(asn1.Type.BITSTRING, Buffer.concat([Buffer.from([unusedBits]), value]));
}

export function utf8(text: string): Asn1 {
  return primitive(asn1.Type.UTF8, Buffer.from(text, "utf8"));
}

export function nothing(): Asn1 {
  return primitive(asn1.Type.NULL, Buffer.alloc(0));
}

export function objectId(id: string): Asn1 {
  return primitive(asn1.Type.OID, Buffer.from(asn1.oidToDer(id).getBytes(), "binary"));
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050. */
export function time(millis: number): Asn1 {
  const date = new Date(millis);
  return date.getUTCFullYear() < 2050
    ? asn1.create(asn1.Class.UNIVERSAL, asn1.Type.UTCTIME, false, asn1.dateToUtcTime(date))
    : asn1.create(asn1.Class.UNIVERSAL, asn1.Type.GENERALIZEDTIME, false, asn1.dateToGeneralizedTime(date));
}

export function fromDer(der: Buffer): Asn1 {
  return asn1.fromDer(der.toString("binary"));
}

export function toDer(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), "binary");
}

/** The parts of a constructed value; none if it is a primitive one. */
export function partsOf(value: Asn1 | undefined): readonly Asn1[] {
  return value !== undefined && typeof value.value !== "string" ? value.value : [];
}

/** The content of a primitive value; empty if it is a constructed one. */
export function bytesOf(value: Asn1 | undefined): Buffer {
  return Buffer.from(value !== undefined && typeof value.value === "string" ? value.value : "", "binary");
}

export function isContext(value: Asn1 | undefined, tag: number): boolean {
  if (value?.tagClass !== asn1.Class.CONTEXT_SPECIFIC) return false;
  const found: number = value.type;
  return found === tag;
}

export function oidOf(value: Asn1 | undefined): string {
  return asn1.derToOid(bytesOf(value).toString("binary"));
}

function primitive(type: forge.asn1.Type, value: Buffer): Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, type, false, value.toString("binary"));
}
