import { mkdirSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheText } from "../testing/cache-text.ts";
import { NETWORK, NETWORK_PATH, NodeFiles } from "../testing/node-files.ts";
import { sandboxID } from "../testing/proven.ts";
import { discoverNetworks } from "./discover.ts";
import type { Discovery } from "./network.ts";

let files: NodeFiles;
beforeEach(() => {
  files = new NodeFiles();
});
afterEach(() => files.close());

async function discover(networks: readonly string[] = []): Promise<Discovery> {
  const dirs = { dataDirs: ["/var/lib/cni/networks"], confDirs: ["/etc/cni/net.d"] };
  return discoverNetworks({ hostRoot: files.root, ...dirs, networks });
}

const ID = sandboxID(1);
const paths = ({ networks }: Discovery) => networks.map(({ hostPath }) => hostPath).toSorted();

describe("a network is Kubernetes'", () => {
  test("by the runtime's configuration, with the size of its pool", async () => {
    files.conf();
    files.lease("10.42.0.7", ID);
    expect(await discover()).toEqual({
      networks: [
        {
          name: NETWORK,
          hostPath: NETWORK_PATH,
          directory: files.path(NETWORK_PATH),
          because: `/etc/cni/net.d/10-${NETWORK}.conflist names it`,
          isLink: false,
          pools: new Map([["IPv4", 253]]),
        },
      ],
      names: new Set([NETWORK]),
      foreign: [],
      problems: [],
    });
  });

  test("by a pod's cached result, whatever broken ones lie before it", async () => {
    files.lease("10.42.0.7", ID, "cbr0");
    files.write(`/var/lib/cni/results/cbr0-${sandboxID(2)}-eth0`, "");
    files.cache(ID, [], "cbr0");
    const { networks } = await discover();
    expect(networks).toMatchObject([
      { name: "cbr0", because: `/var/lib/cni/results/cbr0-${ID}-eth0 is a pod's` },
    ]);
    expect(networks[0]?.pools.get("IPv4")).toBe(253);
  });

  test("by multus' own cache", async () => {
    files.lease("10.1.0.7", ID, "storage", "net1");
    files.write(`/var/lib/cni/multus/results/storage-${ID}-net1`, cacheText({ id: ID, network: "storage" }));
    expect(paths(await discover())).toEqual(["/var/lib/cni/networks/storage"]);
  });

  test("by a setting", async () => {
    files.lease("10.42.0.7", ID, "kubenet");
    expect((await discover(["kubenet"])).networks).toMatchObject([{ because: "the settings name it" }]);
  });

  test("by multus' configuration, which names another file or another network", async () => {
    files.conf("canal");
    files.conf("sidecar");
    files.conf("unused");
    for (const name of ["canal", "sidecar", "unused", "inner"]) files.lease("10.42.0.7", ID, name);
    files.write(
      "/etc/cni/net.d/00-multus.conf",
      JSON.stringify({
        name: "multus-cni-network",
        type: "multus",
        clusterNetwork: "/etc/cni/net.d/10-canal.conflist",
        defaultNetworks: ["sidecar"],
        delegates: [{ name: "inner", type: "bridge" }],
      }),
    );
    const found = await discover();
    expect(paths(found)).toEqual(
      ["canal", "inner", "sidecar"].map((name) => `/var/lib/cni/networks/${name}`),
    );
    expect(found.foreign).toEqual(["/var/lib/cni/networks/unused"]);
  });

  test("in another data directory that its configuration names", async () => {
    files.conf(NETWORK, { dataDir: "/run/cni-ipam-state" });
    files.write(`/run/cni-ipam-state/${NETWORK}/10.42.0.7`, ID);
    expect(paths(await discover())).toEqual([`/run/cni-ipam-state/${NETWORK}`]);
  });

  test("flannel's pool is what flannel says", async () => {
    files.write(
      "/etc/cni/net.d/10-flannel.conflist",
      '{"name":"cbr0","plugins":[{"type":"flannel","delegate":{}}]}',
    );
    files.write("/run/flannel/subnet.env", "FLANNEL_SUBNET=10.244.1.1/24\n");
    files.lease("10.244.1.7", ID, "cbr0");
    expect([...((await discover()).networks[0]?.pools ?? [])]).toEqual([["IPv4", 253]]);
  });

  test("where the size is not said, there is none", async () => {
    files.conf(NETWORK, { subnet: "usePodCidr" });
    files.lease("10.42.0.7", ID);
    expect([...((await discover()).networks[0]?.pools ?? [])]).toEqual([["IPv4", undefined]]);
  });
});

describe("a network is not Kubernetes'", () => {
  test("case 10: podman's, though its configuration is the first or the only one", async () => {
    files.write("/etc/cni/net.d/00-podman.conflist", '{"name":"podman","plugins":[{"type":"bridge"}]}');
    files.write("/etc/cni/net.d/01-mine.conflist", '{"name":"cni-podman1","plugins":[{"type":"bridge"}]}');
    files.lease("10.88.0.2", ID, "podman");
    files.lease("10.88.1.2", ID, "cni-podman1");
    files.write(
      `/var/lib/cni/results/podman-${ID}-eth0`,
      cacheText({ id: ID, network: "podman", isPod: false }),
    );
    const found = await discover();
    expect(found.networks).toEqual([]);
    expect(found.foreign.toSorted()).toEqual([
      "/var/lib/cni/networks/cni-podman1",
      "/var/lib/cni/networks/podman",
    ]);
  });

  test("a second configuration's, which the runtime does not use", async () => {
    files.conf("a");
    files.conf("b");
    files.lease("10.1.0.2", ID, "a");
    files.lease("10.2.0.2", ID, "b");
    expect(paths(await discover())).toEqual(["/var/lib/cni/networks/a"]);
  });

  test("a broken file in front is passed over, as the runtime does", async () => {
    files.write("/etc/cni/net.d/00-broken.conflist", "{");
    files.conf();
    files.lease("10.42.0.7", ID);
    expect(paths(await discover())).toEqual([NETWORK_PATH]);
  });

  test("a cache that says another name than its file", async () => {
    files.lease("10.42.0.7", ID, "cbr0");
    files.write(`/var/lib/cni/results/cbr0-${ID}-eth0`, cacheText({ id: ID, network: "other" }));
    expect(paths(await discover())).toEqual([]);
  });
});

describe("links", () => {
  test("case 20: a leaf that is one is followed within host-local's directories", async () => {
    files.conf();
    files.lease("10.42.0.7", ID, "elsewhere");
    symlinkSync("elsewhere", files.path(NETWORK_PATH));
    expect((await discover()).networks).toMatchObject([
      { name: NETWORK, isLink: true, directory: files.path("/var/lib/cni/networks/elsewhere") },
    ]);
  });

  test("case 20: one that leads out is left alone and told", async () => {
    files.conf();
    mkdirSync(files.path("/home/elsewhere"), { recursive: true });
    mkdirSync(files.path("/var/lib/cni/networks"), { recursive: true });
    symlinkSync("/home/elsewhere", files.path(NETWORK_PATH));
    const { networks, problems } = await discover();
    expect(networks).toEqual([]);
    expect(problems).toMatchObject([{ kind: "link-leads-out", hostPath: NETWORK_PATH }]);
  });

  test("case 21: a parent that is one is nothing special", async () => {
    files.conf();
    files.write(`/usr/local/.state/cni/networks/${NETWORK}/10.42.0.7`, ID);
    mkdirSync(files.path("/var/lib"), { recursive: true });
    symlinkSync("/usr/local/.state/cni", files.path("/var/lib/cni"));
    expect((await discover()).networks).toMatchObject([
      {
        isLink: false,
        hostPath: NETWORK_PATH,
        directory: files.path(`/usr/local/.state/cni/networks/${NETWORK}`),
      },
    ]);
  });

  test("one to a network that is there under its own name is looked at once", async () => {
    files.conf();
    files.lease("10.42.0.7", ID);
    symlinkSync(NETWORK, files.path("/var/lib/cni/networks/alias"));
    expect((await discover(["alias"])).networks).toMatchObject([{ name: NETWORK, isLink: false }]);
  });
});

test("case 22: nothing there is nothing wrong", async () => {
  expect(await discover()).toEqual({ networks: [], names: new Set(), foreign: [], problems: [] });
});

test("case 23: what can't be read is told", async () => {
  mkdirSync(files.path("/var/lib/cni"), { recursive: true });
  symlinkSync("networks", files.path("/var/lib/cni/networks"));
  const { problems } = await discover();
  expect(problems).toMatchObject([{ kind: "unreadable", hostPath: "/var/lib/cni/networks" }]);
  expect(problems[0]?.reason).toContain("more than 40 links");
});
