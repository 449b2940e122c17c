import { describe, expect, it } from "vitest";
import { encodeMessage } from "./encode.ts";
import { Message } from "./message.ts";
import { NonsenseError } from "./nonsense.ts";

const bytes = (...values: readonly number[]): Buffer => Buffer.from(values);

describe("a message", () => {
  it("reads an absent field as proto3's default", () => {
    const message = new Message("M", bytes());
    expect(message.string(1)).toBe("");
    expect(message.int64(1)).toBe(0n);
    expect(message.bool(1)).toBe(false);
    expect(message.message(1)).toBeUndefined();
    expect(message.messages(1)).toEqual([]);
    expect(message.has(1)).toBe(false);
  });

  it.each([0x7fff_ffff_ffff_ffffn, -0x8000_0000_0000_0000n, -1n, 1n, 127n, 128n, 9_007_199_254_740_993n])(
    "holds the 64-bit number %s exactly",
    (value) => {
      expect(new Message("M", encodeMessage([[7, value]])).int64(7)).toBe(value);
    },
  );

  it("skips fields of every wire type that it was not asked for", () => {
    // 9: varint, 10: fixed64, 11: bytes, 12: fixed32, then the field 1 that is asked for.
    const mixed = bytes(
      0x48,
      0x01,
      0x51,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      0x5a,
      1,
      0x78,
      0x65,
      1,
      2,
      3,
      4,
      0x0a,
      1,
      0x61,
    );
    expect(new Message("M", mixed).string(1)).toBe("a");
  });

  it("takes the last of a field that is there twice", () => {
    const twice = encodeMessage([
      [1, "a"],
      [1, "b"],
    ]);
    expect(new Message("M", twice).string(1)).toBe("b");
  });

  it("finds the wanted entries of a map", () => {
    const entry = (key: string, value: string) =>
      encodeMessage([
        [1, key],
        [2, value],
      ]);
    const message = new Message(
      "M",
      encodeMessage([
        [8, entry("a", "1")],
        [8, entry("b", "2")],
      ]),
    );
    expect([...message.entries(8, new Set(["b", "c"]))]).toEqual([["b", "2"]]);
  });
});

describe("nonsense", () => {
  const tooMany = Buffer.alloc(2 * 65_537, bytes(0x08, 0x01));

  it.each([
    ["a text that ends after the message", bytes(0x0a, 5, 0x61), "M: field 1 ends after the message"],
    ["a length of 2^63", bytes(0x0a, ...Array<number>(9).fill(0xff), 1), "M: field 1 ends after the message"],
    ["an end within a number", bytes(0x08, 0x80), "M: no whole number of at most 10 bytes at byte 1"],
    [
      "a number without end",
      bytes(0x08, ...Array<number>(11).fill(0x80)),
      "M: no whole number of at most 10 bytes at byte 1",
    ],
    ["an end within a fixed number", bytes(0x51, 1, 2), "M: field 10 ends after the message"],
    ["a group", bytes(0x0b), "M: wire type 3 at byte 1"],
    ["wire type 7", bytes(0x0f), "M: wire type 7 at byte 1"],
    ["field number 0", bytes(0x02, 0), "M: field number 0 at byte 0"],
    [
      "too large a field number",
      bytes(0x80, 0x80, 0x80, 0x80, 0x10, 0),
      "M: field number 536870912 at byte 0",
    ],
    ["more fields than anything has", tooMany, "M: more than 65536 fields"],
  ])("%s", (_name, input, words) => {
    expect(() => new Message("M", input)).toThrow(NonsenseError);
    expect(() => new Message("M", input)).toThrow(words);
  });

  // All messages of an answer share its bytes: what follows a message must not be read as part of it.
  it.each([
    ["a text", bytes(0x0a, 2, 0x0a, 3, 0x12, 3, 0x61, 0x62, 0x63), "M.1: field 1 ends after the message"],
    ["a number", bytes(0x0a, 2, 0x08, 0x80, 0x10, 1), "M.1: no whole number of at most 10 bytes at byte 1"],
    ["a fixed number", bytes(0x0a, 2, 0x0d, 1, 0x12, 2, 0x61, 0x62), "M.1: field 1 ends after the message"],
  ])("%s does not reach beyond its message into the next field", (_name, input, words) => {
    const message = new Message("M", input);
    expect(() => message.message(1)).toThrow(NonsenseError);
    expect(() => message.message(1)).toThrow(words);
  });

  it("names a field of the wrong wire type, in a message in a message too", () => {
    const message = new Message("M", encodeMessage([[3, encodeMessage([[1, 5n]])]]));
    expect(() => message.message(3)?.string(1)).toThrow("M.3: field 1 has wire type 0 instead of 2");
    expect(() => message.int64(3)).toThrow("M: field 3 has wire type 2 instead of 0");
    expect(() => message.messages(3)[0]?.messages(1)).toThrow(NonsenseError);
  });

  it("does not fit 32 bits", () => {
    const message = new Message("M", encodeMessage([[2, 0x1_0000_0000n]]));
    expect(() => message.uint32(2)).toThrow("M: field 2 is 4294967296, which does not fit 32 bits");
    expect(() => message.int32(2)).toThrow(NonsenseError);
    expect(new Message("M", encodeMessage([[2, -1n]])).int32(2)).toBe(-1);
    expect(() => new Message("M", encodeMessage([[2, -1n]])).uint32(2)).toThrow(NonsenseError);
  });
});
