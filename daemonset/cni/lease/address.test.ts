import { describe, expect, test } from "vitest";
import { addressValue, familyOfCanonical } from "./address.ts";

describe("canonical addresses", () => {
  test.each([
    ["10.42.0.7", "IPv4"],
    ["255.255.255.255", "IPv4"],
    ["0.0.0.0", "IPv4"],
    ["fd00:99::2", "IPv6"],
    ["::1", "IPv6"],
    ["::", "IPv6"],
    ["2001:db8:0:1:1:1:1:1", "IPv6"],
    ["2001:db8::1:0:0:1", "IPv6"],
    // One group of zeros alone is not cut.
    ["2001:db8::1:1:1:1:1", undefined],
    ["010.1.1.1", undefined],
    ["10.42.0", undefined],
    ["10.42.0.7 ", undefined],
    ["10.42.0.256", undefined],
    ["10.42.0.7_default_web", undefined],
    ["fd00_99__2", undefined],
    ["FD00:99::2", undefined],
    ["fd00:0099::2", undefined],
    ["fd00:99:0:0:0:0:0:2", undefined],
    ["::ffff:10.0.0.1", undefined],
    ["::FFFF:10.0.0.1", undefined],
    ["::ffff:a00:1", undefined],
    ["fe80::1%eth0", undefined],
    ["lock", undefined],
    ["last_reserved_ip.0", undefined],
    ["README", undefined],
    [".10.42.0.7.swp", undefined],
    ["", undefined],
  ])("%j: %s", (text, family) => {
    expect(familyOfCanonical(text)).toBe(family);
  });
});

describe("values", () => {
  test.each([
    ["10.0.0.1", "IPv4", 0x0a00_0001n],
    ["::ffff:10.0.0.1", "IPv4", 0x0a00_0001n],
    ["::", "IPv6", 0n],
    ["::1", "IPv6", 1n],
    ["fd00::", "IPv6", 0xfd00n << 112n],
    ["FD00:0:0::2", "IPv6", (0xfd00n << 112n) | 2n],
  ])("%s", (text, family, value) => {
    expect(addressValue(text)).toEqual({ family, value });
  });

  test.each(["", "usePodCidr", "10.0.0", "fe80::1%eth0", "10.0.0.0/24"])("%j is none", (text) => {
    expect(addressValue(text)).toBeUndefined();
  });
});
