import { expect, test } from "vitest";
import { checkPages, signAdHoc } from "./ad-hoc-signature.ts";
import { readMachO } from "./mach-o.ts";

/** A program of a __TEXT with one section and a __LINKEDIT, three and a half pages long. */
function program(part: { tail?: number; sectionAt?: number } = {}): Buffer {
  const { tail = 100, sectionAt = 4_096 } = part;
  const file = Buffer.alloc(3 * 4_096 + tail, 7);
  file.fill(0, 0, sectionAt);
  file.writeUInt32LE(0xfeedfacf, 0);
  file.writeUInt32LE(2, 16);
  file.writeUInt32LE(72 + 80 + 72, 20);
  const segment = (at: number, name: string, offset: number, bytes: number, sections: number): void => {
    file.writeUInt32LE(0x19, at);
    file.writeUInt32LE(72 + 80 * sections, at + 4);
    file.write(name, at + 8);
    file.writeBigUInt64LE(BigInt(offset), at + 40);
    file.writeBigUInt64LE(BigInt(bytes), at + 48);
    file.writeUInt32LE(sections, at + 64);
  };
  segment(32, "__TEXT", 0, 3 * 4_096, 1);
  file.writeBigUInt64LE(4_096n, 32 + 72 + 40);
  file.writeUInt32LE(sectionAt, 32 + 72 + 48);
  segment(32 + 152, "__LINKEDIT", 3 * 4_096, tail, 0);
  return file;
}

test("every page is vouched for, up to the signature, which is ad hoc and names the program", () => {
  const signed = signAdHoc(program(), "prog");
  const { signature, segments } = readMachO(signed);
  // 12,388 bytes and four more, as a signature starts at a multiple of 16.
  expect(signature?.offset).toBe(12_400);
  expect(checkPages(signed)).toEqual({ identifier: "prog", flags: 2, pages: 4, wrong: [], limit: 12_400 });
  expect((signature?.offset ?? 0) + (signature?.bytes ?? 0)).toBe(signed.length);
  const linkedit = segments.find(({ name }) => name === "__LINKEDIT");
  expect((linkedit?.fileOffset ?? 0) + (linkedit?.fileBytes ?? 0)).toBe(signed.length);
});

test("what it was stays as it was, but for the load commands", () => {
  const before = program();
  const after = signAdHoc(before, "prog");
  expect(after.subarray(4_096, before.length).equals(before.subarray(4_096))).toBe(true);
});

test.each([[0], [4_095], [4_096], [12_399]])("a change of byte %i is seen", (at) => {
  const signed = signAdHoc(program(), "prog");
  signed[at === 0 ? 28 : at] = 255;
  expect(checkPages(signed).wrong).toEqual([Math.floor(at / 4_096)]);
});

test.each<[string, () => Buffer, string]>([
  [
    "another file",
    () => Buffer.from("\u007fELF and more than thirty-two bytes of it"),
    "no thin 64-bit Mach-O",
  ],
  ["an empty file", () => Buffer.alloc(0), "no thin 64-bit Mach-O"],
  ["a signed one", () => signAdHoc(program(), "prog"), "signed already"],
  ["one that goes on behind __LINKEDIT", () => Buffer.concat([program(), Buffer.alloc(1)]), "not at its end"],
  ["one without room", () => program({ sectionAt: 32 + 224 + 15 }), "no room for one more load command"],
])("%s is not signed", (_what, file, words) => {
  expect(() => signAdHoc(file(), "prog")).toThrow(words);
});

test("room for just one more load command is enough", () => {
  expect(checkPages(signAdHoc(program({ sectionAt: 32 + 224 + 16 }), "prog")).wrong).toEqual([]);
});
