import { networkInterfaces } from "node:os";
import { readFileSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { addressesOfIfInet6, addressesOfTrie, canonicalIPv6 } from "./addresses.ts";

// A pod of a bridge network, as Linux 6.1 shows it.
const trie = `Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.42.0.0/24 2 0 2
        +-- 10.42.0.0/29 2 0 2
           |-- 10.42.0.0
              /24 link UNICAST
           |-- 10.42.0.7
              /32 host LOCAL
        |-- 10.42.0.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
`;

test("of a trie, those that are local", () => {
  expect([...addressesOfTrie(trie)]).toEqual(["10.42.0.7", "127.0.0.0", "127.0.0.1"]);
});

test("a trie without its last end of line is read to its end", () => {
  expect([...addressesOfTrie("  |-- 10.0.0.1\n     /32 host LOCAL")]).toEqual(["10.0.0.1"]);
});

test.each(["", "\n\n", "  |-- 10.0.0.1\n     /32 link BROADCAST\n", "     /32 host LOCAL\n"])(
  "nothing local in %j",
  (text) => {
    expect([...addressesOfTrie(text)]).toEqual([]);
  },
);

test("of if_inet6, every one, tentative ones and those of links that are down included", () => {
  const text =
    "00000000000000000000000000000001 01 80 10 80       lo\n" +
    "fe80000000000000d8a2b8fffe3c2a01 03 40 20 80     eth0\n" +
    "fd000099000000000000000000000002 03 40 00 40     eth0\n";
  expect([...addressesOfIfInet6(text)]).toEqual(["::1", "fe80::d8a2:b8ff:fe3c:2a01", "fd00:99::2"]);
});

test.each(["", "garbage\n", "fd00 01\n"])("none in %j", (text) => {
  expect([...addressesOfIfInet6(text)]).toEqual([]);
});

test.each([
  ["FD00:0099:0:0:0:0:0:2", "fd00:99::2"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["0:0:0:0:0:0:0:0", "::"],
])("%s is written %s", (address, text) => {
  expect(canonicalIPv6(address)).toBe(text);
});

describe.runIf(process.platform === "linux")("this machine's own", () => {
  it("holds every address that Node knows of", () => {
    const found = new Set([
      ...addressesOfTrie(readFileSync("/proc/self/net/fib_trie", "utf8")),
      ...addressesOfIfInet6(readFileSync("/proc/self/net/if_inet6", "utf8")),
    ]);
    const known = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    for (const { address } of known) expect(found).toContain(address.replace(/%.*$/, ""));
  });
});
