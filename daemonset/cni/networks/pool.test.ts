import { expect, test } from "vitest";
import { poolsOf, poolsOfSubnetEnv } from "./pool.ts";

test.each<[string, unknown, readonly (readonly [string, number | undefined])[]]>([
  ["a subnet", { subnet: "10.42.0.0/24" }, [["IPv4", 253]]],
  ["an address within it", { subnet: "10.42.0.9/24" }, [["IPv4", 253]]],
  ["the smallest", { subnet: "10.98.0.0/30" }, [["IPv4", 1]]],
  ["a /29, as exhausted in tests", { ranges: [[{ subnet: "10.98.0.0/29" }]] }, [["IPv4", 5]]],
  [
    "start and end",
    { subnet: "10.1.0.0/16", rangeStart: "10.1.2.10", rangeEnd: "10.1.2.19" },
    [["IPv4", 10]],
  ],
  [
    "the gateway among them",
    { subnet: "10.1.0.0/16", rangeStart: "10.1.2.10", rangeEnd: "10.1.2.19", gateway: "10.1.2.10" },
    [["IPv4", 9]],
  ],
  [
    "both families",
    { ranges: [[{ subnet: "10.42.0.0/24" }], [{ subnet: "fd00:99::/120" }]] },
    [
      ["IPv4", 253],
      ["IPv6", 253],
    ],
  ],
  [
    "two ranges in a set",
    { ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "10.2.0.0/24" }]] },
    [["IPv4", 506]],
  ],
  ["Calico's word", { subnet: "usePodCidr" }, [["IPv4", undefined]]],
  ["canal's", { ranges: [[{ subnet: "usePodCidr" }]] }, [["IPv4", undefined]]],
  [
    "one known and one not",
    { ranges: [[{ subnet: "10.1.0.0/24" }, { subnet: "usePodCidr" }]] },
    [["IPv4", undefined]],
  ],
  ["too small", { subnet: "10.1.0.0/31" }, [["IPv4", undefined]]],
  [
    "the end before the start",
    { subnet: "10.1.0.0/24", rangeStart: "10.1.0.9", rangeEnd: "10.1.0.3" },
    [["IPv4", undefined]],
  ],
  ["another family's start", { subnet: "10.1.0.0/24", rangeStart: "fd00::1" }, [["IPv4", 253]]],
  ["nonsense", { subnet: "x", ranges: [["y", null, 3]] }, []],
  ["no prefix", { subnet: "10.1.0.0" }, []],
  ["nothing", {}, []],
  ["a text", "x", []],
])("%s", (_what, ipam, pools) => {
  expect([...poolsOf(ipam)]).toEqual(pools);
});

test("flannel's file", () => {
  const text =
    "FLANNEL_NETWORK=10.244.0.0/16\nFLANNEL_SUBNET=10.244.1.1/24\nFLANNEL_IPV6_SUBNET=fd00:1::1/64\nFLANNEL_MTU=1450\n";
  const pools = poolsOfSubnetEnv(text);
  expect(pools.get("IPv4")).toBe(253);
  expect(pools.get("IPv6")).toBeGreaterThan(1e18);
  expect([...poolsOfSubnetEnv("FLANNEL_MTU=1450\n")]).toEqual([]);
});
