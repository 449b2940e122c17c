import { networkInterfaces, type NetworkInterfaceInfo } from "node:os";
import { describe, expect, test } from "vitest";
import type { LastAddress } from "../journal/host-record.ts";
import { makeLogLines } from "../testing/log-lines.ts";
import { VirtualTime } from "../testing/virtual-time.ts";
import { chooseAddress, type InterfaceAddress } from "./address.ts";
import { parseIPv4Routes, parseIPv6Routes, readDefaultRoutes, type DefaultRoute } from "./routes.ts";
import { makeNetworkWatch, networkWords } from "./watch.ts";

const ipv4Table = `Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
wlan0	00000000	0101A8C0	0003	0	0	600	00000000	0	0	0
eth0	00000000	010000C0	0003	0	0	100	00000000	0	0	0
eth0	000000C0	00000000	0001	0	0	100	00FFFFFF	0	0	0
tun0	00000000	00000000	0001	0	0	50	00000080	0	0	0
eth2	00000000	010000C0	0002	0	0	1	00000000	0	0	0
eth1	00000000	00000000	0201	0	0	1	00000000	0	0	0
`;
const zeros = "0".repeat(32);
const ipv6Table = `fe800000000000000000000000000000 40 ${zeros} 00 ${zeros} 00000100 00000001 00000000 00000001 eth0
${zeros} 00 ${zeros} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 eth0
${zeros} 01 ${zeros} 00 ${zeros} 00000400 00000001 00000000 00000001 tun0
${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200200 lo
${zeros} 00 ${zeros} 00 ${zeros} ffffffff 00000001 00000000 00200201 eth7
`;

describe("default routes", () => {
  test("IPv4: of routes to everywhere, those that are up and do not reject", () => {
    expect(parseIPv4Routes(ipv4Table)).toEqual([
      { family: "IPv4", interface: "wlan0", metric: 600 },
      { family: "IPv4", interface: "eth0", metric: 100 },
    ]);
  });

  test("IPv6: the kernel's own rejecting default does not count", () => {
    expect(parseIPv6Routes(ipv6Table)).toEqual([{ family: "IPv6", interface: "eth0", metric: 1024 }]);
  });

  test.each(["", "\n\n", "garbage", "a b c d e f g h i j k"])("%j has none", (text) => {
    expect([parseIPv4Routes(text), parseIPv6Routes(text)]).toEqual([[], []]);
  });

  test("without the files there are none", async () => {
    expect(await readDefaultRoutes("/nowhere")).toEqual([]);
  });
});

function on(name: string, address: string, internal = false): InterfaceAddress {
  return { interface: name, address, family: address.includes(":") ? "IPv6" : "IPv4", internal };
}
const loopback = [on("lo", "127.0.0.1", true), on("lo", "::1", true)];
function via(name: string, family: "IPv4" | "IPv6" = "IPv4", metric = 100): DefaultRoute {
  return { family, interface: name, metric };
}

describe("the node's address", () => {
  test.each<[string, InterfaceAddress[], DefaultRoute[], LastAddress | undefined, string]>([
    ["one interface", [on("eth0", "10.0.0.7")], [via("eth0")], undefined, "10.0.0.7 default-route"],
    [
      "several: the default route's, whatever comes first",
      [on("cni0", "10.42.0.1"), on("eth1", "192.168.5.2"), on("eth0", "10.0.0.7")],
      [via("eth0")],
      undefined,
      "10.0.0.7 default-route",
    ],
    [
      "two default routes: the lower metric",
      [on("wlan0", "192.168.1.9"), on("eth0", "10.0.0.7")],
      [via("wlan0", "IPv4", 600), via("eth0", "IPv4", 100)],
      undefined,
      "10.0.0.7 default-route",
    ],
    [
      "IPv6 only",
      [on("eth0", "fe80::1"), on("eth0", "2001:db8::7")],
      [via("eth0", "IPv6")],
      undefined,
      "2001:db8::7 default-route",
    ],
    [
      "both families: IPv4, though IPv6 has the lower metric",
      [on("eth0", "2001:db8::7"), on("eth0", "10.0.0.7")],
      [via("eth0", "IPv6", 1), via("eth0", "IPv4", 100)],
      undefined,
      "10.0.0.7 default-route",
    ],
    [
      "several on one interface: the one it had",
      [on("eth0", "10.0.0.7"), on("eth0", "10.0.0.8")],
      [via("eth0")],
      { address: "10.0.0.8", interface: "eth0" },
      "10.0.0.8 default-route",
    ],
    [
      "the default route's interface has no address of its own",
      [on("eth1", "10.0.0.7")],
      [via("ppp0")],
      undefined,
      "10.0.0.7 first",
    ],
    [
      "no default route: as before, even if another comes first",
      [on("eth1", "192.168.5.2"), on("eth0", "10.0.0.7")],
      [],
      { address: "10.0.0.7", interface: "eth0" },
      "10.0.0.7 as-before",
    ],
    [
      "no default route, never seen: not a container network's",
      [on("cni0", "10.42.0.1"), on("docker0", "172.17.0.1"), on("eth0", "10.0.0.7")],
      [],
      undefined,
      "10.0.0.7 first",
    ],
    [
      "changed",
      [on("eth0", "10.0.9.9")],
      [via("eth0")],
      { address: "10.0.0.7", interface: "eth0" },
      "10.0.9.9 default-route",
    ],
    ["container networks alone", [on("cni0", "10.42.0.1")], [], undefined, "none"],
    ["nothing", [], [], { address: "10.0.0.7", interface: "eth0" }, "none"],
    [
      "link-local only",
      [on("eth0", "169.254.3.4"), on("eth0", "fe80::1"), on("eth1", "febf::1")],
      [],
      undefined,
      "link-local-only eth0,eth1",
    ],
    ["fec0:: is not link-local", [on("eth0", "fec0::1")], [], undefined, "fec0::1 first"],
  ])("%s", (_what, addresses, routes, before, expected) => {
    const found = chooseAddress({ addresses: [...loopback, ...addresses], routes }, before);
    const words =
      found.kind === "address"
        ? `${found.address} ${found.because}`
        : found.kind === "none"
          ? "none"
          : `${found.kind} ${found.interfaces.join(",")}`;
    expect(words).toBe(expected);
  });
});

function info(address: string): NetworkInterfaceInfo {
  const common = { address, netmask: "", mac: "", internal: false, cidr: null };
  return address.includes(":") ? { ...common, family: "IPv6", scopeid: 0 } : { ...common, family: "IPv4" };
}

describe("the watch over the network", () => {
  function start(last?: LastAddress) {
    const time = new VirtualTime();
    const world: { interfaces: () => NodeJS.Dict<NetworkInterfaceInfo[]>; routes: DefaultRoute[] } = {
      interfaces: () => ({ eth0: [info("10.0.0.7")] }),
      routes: [via("eth0")],
    };
    const kept: LastAddress[] = [];
    const { log, lines } = makeLogLines();
    const watch = makeNetworkWatch({
      interfaces: () => world.interfaces(),
      routes: async () => world.routes,
      last,
      onAddress: (address) => void kept.push(address),
      time,
      log,
    });
    const ends = new AbortController();
    void watch.run(ends.signal);
    return { time, world, kept, lines, watch, ends };
  }

  test("an address that stays is kept once, and looked at no more often than each 54 s", async () => {
    const { time, kept, lines, ends } = start();
    await time.pass(3_600_000);
    expect(kept).toEqual([{ address: "10.0.0.7", interface: "eth0" }]);
    expect(Math.min(...time.sleeps)).toBeGreaterThanOrEqual(54_000);
    expect(lines).toHaveLength(1);
    ends.abort();
    await time.pass(0);
    expect(time.sleeping).toBe(0);
  });

  test("all is lost and comes back: said once each, the last good one stays known", async () => {
    const { time, world, kept, lines, watch } = start();
    await time.pass(0);
    const before = world.interfaces;
    world.interfaces = () => ({});
    world.routes = [];
    await time.pass(600_000);
    expect(networkWords(watch.state())).toBe("no address (last was 10.0.0.7 on eth0), no default route");
    world.interfaces = before;
    world.routes = [via("eth0")];
    await time.pass(120_000);
    expect(networkWords(watch.state())).toBe("10.0.0.7 on eth0, default route for IPv4");
    expect(watch.state().changes).toBe(0);
    expect(kept).toHaveLength(1);
    expect(lines.map((line) => line.msg)).toEqual([
      "node has a new address",
      "node has no address",
      "node has its address",
    ]);
  });

  test("another address than before the boot is a change", async () => {
    const { time, kept, watch } = start({ address: "10.0.0.6", interface: "eth0" });
    await time.pass(0);
    expect([watch.state().changes, kept]).toEqual([1, [{ address: "10.0.0.7", interface: "eth0" }]]);
  });

  test("a system call that fails is a state as well", async () => {
    const { time, world, watch, lines } = start({ address: "10.0.0.6", interface: "eth0" });
    world.interfaces = () => {
      throw new Error("uv_interface_addresses returned Unknown system error 97");
    };
    await time.pass(600_000);
    expect(networkWords(watch.state())).toMatch(/can't be looked at: uv_interface_addresses/);
    expect(lines.length).toBeLessThanOrEqual(2);
  });

  test("this machine's network can be looked at", async () => {
    const watch = makeNetworkWatch({
      interfaces: networkInterfaces,
      routes: readDefaultRoutes,
      last: undefined,
      onAddress: () => {},
      time: new VirtualTime(),
      log: makeLogLines().log,
    });
    expect(networkWords(watch.state())).toMatch(/^not looked at yet/);
    await watch.look();
    expect(watch.state().trouble).toBeUndefined();
    expect(watch.state().now).toBeDefined();
  });
});
