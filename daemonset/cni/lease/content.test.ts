import { describe, expect, test } from "vitest";
import { LONGEST_LEASE_BYTES, parseLease } from "./content.ts";

const ID = "a74e0955".padEnd(64, "0123456789abcdef");

const parse = parseLease;

describe("owned", () => {
  test.each([
    ["as host-local writes it, without an end of line", `${ID}\r\neth0`, "eth0"],
    ["multus' second interface", `${ID}\r\nnet1`, "net1"],
    ["the longest name of an interface", `${ID}\r\n123456789012345`, "123456789012345"],
    ["plugins before 0.8: the id alone", ID, undefined],
    ["an end of line after it", `${ID}\r\neth0\n`, "eth0"],
    ["LF alone, which host-local itself can't free", `${ID}\neth0`, "eth0"],
    ["the id and an end of line", `${ID}\r\n`, undefined],
    ["the id and LF", `${ID}\n`, undefined],
  ])("%s", (_what, text, ifname) => {
    expect(parse(text)).toEqual({ kind: "owned", id: ID, ifname });
  });
});

describe("blank", () => {
  test.each([
    ["0 bytes", ""],
    ["zeros", "\0".repeat(70)],
  ])("%s", (_what, text) => {
    expect(parse(text)).toEqual({ kind: "blank" });
  });
});

describe("cut", () => {
  test.each([
    ["37 digits", ID.slice(0, 37)],
    ["63 digits", ID.slice(0, 63)],
    ["digits, then zeros", `${ID.slice(0, 40)}${"\0".repeat(30)}`],
    ["all of it, then zeros", `${ID}\r\neth0\0\0`],
    ["an id, then zeros", `${ID}\0`],
  ])("%s", (_what, text) => {
    expect(parse(text)).toEqual({ kind: "cut" });
  });
});

describe("foreign", () => {
  test.each([
    ["a note", "reserved"],
    ["a host name", "printer.example.com"],
    ["a few hexadecimal digits are a word", "cafebeef"],
    ["15 digits", ID.slice(0, 15)],
    ["65 digits", `${ID}0`],
    ["capitals", ID.toUpperCase()],
    ["nerdctl's id", `default-${ID}\r\neth0`],
    ["ctr's id", `k8s.io-${ID}\r\neth0`],
    ["a UUID", "0d3ce8a4-2b6c-4f2e-9a52-6f0f6f1f8a11"],
    ["a space before it", ` ${ID}\r\neth0`],
    ["a third line", `${ID}\r\neth0\r\nmore`],
    ["a name that no interface has", `${ID}\r\n1234567890123456`],
    ["two words on line 2", `${ID}\r\neth0 eth1`],
    ["an id in the second line", `note\r\n${ID}`],
    ["a space", " "],
    ["zeros, then text", "\0\0note"],
    ["longer than any lease", `${ID}\r\neth0`.padEnd(LONGEST_LEASE_BYTES + 1, " ")],
    ["longer than any lease, zeros", "\0".repeat(LONGEST_LEASE_BYTES + 1)],
  ])("%s", (_what, text) => {
    expect(parse(text)).toEqual({ kind: "foreign" });
  });
});
