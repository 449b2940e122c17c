/** What a pass leaves alone. */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheText } from "../testing/cache-text.ts";
import { NETWORK_PATH } from "../testing/node-files.ts";
import { CniPassKit, DEAD, LIVE, onlyNetwork } from "../testing/pass-kit.ts";
import { sandboxID } from "../testing/proven.ts";

const OTHER = sandboxID(3);

let kit: CniPassKit;
beforeEach(() => {
  kit = new CniPassKit();
  kit.files.conf();
});
afterEach(() => kit.close());

const leases = (): readonly string[] => readdirSync(kit.files.path(NETWORK_PATH)).toSorted();

test("a runtime that goes after the first look keeps everything, as its sandboxes are in no list then", async () => {
  await kit.onePodGone();
  const first = kit.proofs;
  kit.onProve = (before) => {
    if (before > first) kit.alive = { ready: [LIVE], runtimes: ["/run/other.sock"] };
  };
  const network = onlyNetwork(await kit.pass());
  expect(network).toMatchObject({ outcomes: {}, kept: { "in-use": 1, "runtime-missing": 1 } });
});

describe("what is not Kubernetes' stays", () => {
  test("cases 10, 11, 12, 14, 18, 19: whatever is in the directory, only leases are looked at", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    const directory = kit.files.path(NETWORK_PATH);
    for (const name of ["lock", "last_reserved_ip.0", "last_reserved_ip.1", "README", "10.42.0.3.swp"]) {
      writeFileSync(join(directory, name), DEAD);
    }
    for (const name of ["010.1.1.1", "::FFFF:a00:1", "fd00_99__2", "FD00::1"])
      writeFileSync(join(directory, name), DEAD);
    writeFileSync(join(directory, "10.42.0.50"), `default-${DEAD}\r\neth0`);
    writeFileSync(join(directory, "10.42.0.51"), "reserved for the printer");
    mkdirSync(join(directory, "10.42.0.60"));
    writeFileSync(join(directory, "10.42.0.60/inside"), DEAD);
    symlinkSync("10.42.0.3", join(directory, "10.42.0.61"));
    kit.files.lease("10.88.0.3", DEAD, "podman");
    await kit.pass();
    const before = [...kit.files.snapshot()];
    kit.reboot("boot-2");
    const report = await kit.pass();
    const network = onlyNetwork(report);
    expect(network.outcomes).toEqual({ moved: 1 });
    expect(network.before).toMatchObject({ foreign: 2, stale: 1 });
    expect(network.troubles.map(({ kind, path }) => `${kind} ${path.split("/").at(-1)}`).toSorted()).toEqual([
      "address-blocked 10.42.0.60",
      "address-blocked 10.42.0.61",
      "foreign-reservation 10.42.0.50",
      "foreign-reservation 10.42.0.51",
    ]);
    expect(report.foreign).toEqual(["/var/lib/cni/networks/podman"]);
    const own = (path: string): boolean => path.startsWith("/state") || path.startsWith("/quarantine");
    const lease = `${NETWORK_PATH}/10.42.0.3`;
    expect([...kit.files.snapshot()].filter(([path]) => !own(path))).toEqual(
      before.filter(([path]) => !own(path) && path !== lease),
    );
  });

  test("case 14: OpenYurt's files keep the whole directory as it is", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    kit.files.write(`${NETWORK_PATH}/10.42.0.3_default_web-0`, "");
    await kit.pass();
    kit.reboot("boot-2");
    const network = onlyNetwork(await kit.pass());
    expect(network.kept).toEqual({ retention: 1 });
    expect(network.troubles.map(({ kind }) => kind)).toEqual(["retention"]);
  });

  test("podman's caches, though its ids look the same", async () => {
    const path = `/var/lib/cni/results/podman-${DEAD}-eth0`;
    kit.files.write(path, cacheText({ id: DEAD, network: "podman", isPod: false }));
    await kit.pass();
    kit.reboot("boot-2");
    expect((await kit.pass()).caches).toMatchObject({ kept: { foreign: 1 }, outcomes: {} });
  });

  test("nerdctl's loopback", async () => {
    kit.files.write(`/var/lib/cni/results/cni-loopback-default-${DEAD}-lo`, "");
    await kit.pass();
    kit.reboot("boot-2");
    expect((await kit.pass()).caches.kept).toEqual({ foreign: 1 });
  });
});

describe("running sandboxes without leases", () => {
  test("where their caches say that they have some: the directory is not what it seems", async () => {
    await kit.onePodGone();
    // The lease of the running one was lost.
    kit.files.lease("10.42.0.2", OTHER);
    const report = onlyNetwork(await kit.pass());
    expect(report.kept).toEqual({ "mapping-broken": 2 });
    expect(report.troubles.map(({ kind }) => kind)).toEqual(["mapping-broken"]);
    expect(leases()).toContain("10.42.0.3");
  });

  test("one of them under another address is enough", async () => {
    await kit.onePodGone();
    kit.files.lease("10.42.0.2", OTHER);
    kit.files.lease("10.42.0.9", LIVE);
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ moved: 1 });
  });

  test("by hand nothing goes before a running one's lease is found", async () => {
    await kit.onePodGone();
    kit.alive = { ready: [OTHER], ownedBy: "ready-lease-needed" };
    const report = await kit.pass();
    expect(onlyNetwork(report).kept).toEqual({ "mapping-unproven": 2 });
    expect(report.caches.kept).toEqual({ "mapping-unproven": 4 });
    kit.alive = { ready: [LIVE], ownedBy: "ready-lease-needed" };
    const second = await kit.pass();
    expect(onlyNetwork(second).outcomes).toEqual({ moved: 1 });
    expect(second.caches.outcomes).toEqual({ moved: 3 });
  });

  test("by hand caches alone go as well, once a lease of a running one is found", async () => {
    await kit.onePodGone();
    kit.settings = { ...kit.settings, caches: "off" };
    await kit.pass();
    kit.settings = { ...kit.settings, caches: "on" };
    kit.files.write(`/var/lib/cni/flannel/${DEAD}`, "{}");
    kit.alive = { ready: [LIVE], ownedBy: "ready-lease-needed" };
    expect((await kit.pass()).caches).toMatchObject({
      outcomes: { moved: 3 },
      rules: { "listed-before": 3 },
    });
  });
});
