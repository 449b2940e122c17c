import { describe, expect, test } from "vitest";
import { sandboxID } from "../testing/proven.ts";
import { cacheText } from "../testing/cache-text.ts";
import { confOfCache, parseCache, parseCacheName } from "./cache-entry.ts";
import { parseConf } from "./conf.ts";

const ID = sandboxID(1);

describe("configuration", () => {
  test("a list: name, ipam of its plugins, data directory", () => {
    const conf = parseConf(
      JSON.stringify({
        cniVersion: "1.0.0",
        name: "k8s-pod-network",
        plugins: [
          { type: "bridge", ipam: { type: "host-local", dataDir: "/run/ipam", subnet: "10.1.0.0/24" } },
          { type: "portmap" },
        ],
      }),
    );
    expect(conf).toMatchObject({
      name: "k8s-pod-network",
      isFlannel: false,
      ipam: [{ type: "host-local", dataDir: "/run/ipam" }],
      delegates: [],
      delegateNames: [],
    });
    expect(conf?.ipam[0]?.pools.get("IPv4")).toBe(253);
  });

  test("a single plugin; flannel with its delegate", () => {
    expect(
      parseConf('{"name":"cbr0","type":"flannel","delegate":{"ipam":{"type":"host-local"}}}'),
    ).toMatchObject({
      name: "cbr0",
      isFlannel: true,
      ipam: [{ type: "host-local", dataDir: undefined }],
    });
  });

  test("multus: what it wraps, and what it names", () => {
    const inner = { name: "k8s-pod-network", plugins: [{ type: "calico", ipam: { type: "host-local" } }] };
    const conf = parseConf(
      JSON.stringify({
        name: "multus-cni-network",
        type: "multus",
        delegates: [inner],
        clusterNetwork: "/etc/cni/net.d/10-canal.conflist",
        defaultNetworks: ["sidecar", 5],
      }),
    );
    expect(conf?.delegates).toMatchObject([{ name: "k8s-pod-network", ipam: [{ type: "host-local" }] }]);
    expect(conf?.delegateNames).toEqual(["/etc/cni/net.d/10-canal.conflist", "sidecar"]);
  });

  test.each([
    ["no JSON", "{"],
    ["empty", ""],
    ["no name", '{"type":"bridge"}'],
    ["no type", '{"name":"x"}'],
    ["a plugin without type", '{"name":"x","plugins":[{}]}'],
    ["a name that is a path", '{"name":"../x","type":"bridge"}'],
    ["a list", "[]"],
  ])("none: %s", (_what, text) => {
    expect(parseConf(text)).toBeUndefined();
  });

  test("nesting without end ends", () => {
    let text = '{"name":"a","type":"bridge"}';
    for (let depth = 0; depth < 50; depth += 1) text = `{"name":"m","type":"multus","delegates":[${text}]}`;
    expect(parseConf(text)?.name).toBe("m");
  });
});

describe("caches", () => {
  test.each([
    [`k8s-pod-network-${ID}-eth0`, { network: "k8s-pod-network", id: ID }],
    [`cni-loopback-${ID}-lo`, { network: "cni-loopback", id: ID }],
    [`mynet-default-${ID}-eth0`, { network: "mynet-default", id: ID }],
    [`net-${ID}-eth-0`, { network: "net", id: ID }],
    [`net-${ID}`, undefined],
    [`net-${ID.slice(1)}-eth0`, undefined],
    [`net-${ID}0-eth0`, undefined],
    [`-${ID}-eth0`, undefined],
    ["README", undefined],
  ])("%s", (name, parsed) => {
    expect(parseCacheName(name)).toEqual(parsed);
  });

  const bytes = (text: string) => Buffer.from(text).toString("latin1");

  test("an entry of a pod", () => {
    const text = cacheText({ id: ID, network: "mynet", addresses: ["10.1.0.7", "fd00::7"] });
    const parsed = parseCache(bytes(text));
    expect(parsed).toMatchObject({
      kind: "entry",
      id: ID,
      network: "mynet",
      isPod: true,
      addresses: ["10.1.0.7", "fd00::7"],
    });
    expect(confOfCache(parsed.kind === "entry" ? parsed.config : "")).toMatchObject({ name: "mynet" });
  });

  test("podman's has no pod's arguments", () => {
    const text = cacheText({ id: ID, network: "podman", isPod: false });
    expect(parseCache(bytes(text))).toMatchObject({ kind: "entry", isPod: false });
  });

  test.each([
    ["empty", "", "corrupt"],
    ["zeros", "\0\0\0", "corrupt"],
    ["half", cacheText({ id: ID, network: "n" }).slice(0, 90), "corrupt"],
    ["a number", "5", "corrupt"],
    ["a bare result", '{"cniVersion":"0.3.1","ips":[]}', "nameless"],
    ["of another kind", '{"kind":"cniCacheV2","containerId":"x","networkName":"n"}', "nameless"],
  ])("%s", (_what, text, kind) => {
    expect(parseCache(bytes(text)).kind).toBe(kind);
  });

  test("arguments, addresses and configuration of other shapes are none", () => {
    const odd = {
      kind: "cniCacheV1",
      containerId: ID,
      networkName: "n",
      cniArgs: [5, []],
      result: { ips: [1] },
      config: "%",
    };
    expect(parseCache(bytes(JSON.stringify(odd)))).toMatchObject({ isPod: false, addresses: [] });
    expect(confOfCache(odd.config)).toBeUndefined();
  });
});
