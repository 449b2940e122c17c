/** Writes protobuf's wire format for the agent's requests, which are small. */

/** A value by its type: string and message as bytes, boolean and bigint as varint. */
export type FieldValue = string | boolean | bigint | Uint8Array;

/** Encodes `[field number, value]` pairs. proto3's defaults (empty string, false, 0) are left out, an empty message is not. */
export function encodeMessage(fields: readonly (readonly [number, FieldValue])[]): Buffer {
  return Buffer.concat(fields.flatMap(([number, value]) => encodeField(number, value)));
}

function encodeField(number: number, value: FieldValue): readonly Uint8Array[] {
  if (value === "" || value === false || value === 0n) return [];
  if (value === true) return [varint(BigInt(number) << 3n), varint(1n)];
  if (typeof value === "bigint") return [varint(BigInt(number) << 3n), varint(value)];
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return [varint((BigInt(number) << 3n) | 2n), varint(BigInt(bytes.length)), bytes];
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
