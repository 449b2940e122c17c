import { readdirSync, utimesSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NETWORK, NETWORK_PATH } from "../testing/node-files.ts";
import { CniPassKit, DEAD, LIVE, onlyNetwork } from "../testing/pass-kit.ts";
import { sandboxID } from "../testing/proven.ts";

const OTHER = sandboxID(3);
const MINUTES = 60_000;

let kit: CniPassKit;
beforeEach(() => {
  kit = new CniPassKit();
  kit.files.conf();
});
afterEach(() => kit.close());

const leases = (): readonly string[] => readdirSync(kit.files.path(NETWORK_PATH)).toSorted();
const results = (): readonly string[] => readdirSync(kit.files.path("/var/lib/cni/results")).toSorted();

describe("a lease whose sandbox was listed and is nowhere now", () => {
  test("goes at once with its caches and scratch files, and nothing else goes", async () => {
    await kit.onePodGone();
    const report = await kit.pass();
    expect(leases()).toEqual(["10.42.0.2", "last_reserved_ip.0", "lock"]);
    expect(results()).toEqual([`${NETWORK}-${LIVE}-eth0`]);
    expect(readdirSync(kit.files.path("/var/lib/cni/flannel"))).toEqual([]);
    const network = onlyNetwork(report);
    expect(network).toMatchObject({
      before: { leases: 2, live: 1, stale: 1 },
      after: { leases: 1, live: 1, stale: 0 },
      outcomes: { moved: 1 },
      rules: { "listed-before": 1 },
      pools: [{ family: "IPv4", size: 253, used: 1, free: 252 }],
      predating: undefined,
    });
    expect(network.removals).toMatchObject([
      { path: `${NETWORK_PATH}/10.42.0.3`, id: DEAD, outcome: "moved" },
    ]);
    expect(report.caches).toMatchObject({ files: 4, outcomes: { moved: 3 }, rules: { "lease-released": 3 } });
    expect(kit.lines.filter(({ message }) => message === "stale lease").length).toBe(1);
    expect(report.isWhole).toBe(true);
  });

  test("both families of one pod go together", async () => {
    await kit.onePodGone();
    kit.files.lease("fd00::3", DEAD);
    const report = await kit.pass();
    expect(onlyNetwork(report).outcomes).toEqual({ moved: 2 });
    expect(kit.apply.orders[0]).toBe(`leases ${NETWORK} 2`);
  });

  test("mode report: told, and nothing is touched", async () => {
    await kit.onePodGone();
    kit.settings = { ...kit.settings, leases: "report" };
    const before = kit.files.snapshot();
    const report = await kit.pass();
    expect(onlyNetwork(report)).toMatchObject({
      before: { stale: 1 },
      after: { stale: 1 },
      outcomes: { "would-move": 1 },
    });
    // Its caches wait for its lease.
    expect(report.caches.kept).toMatchObject({ "lease-kept": 3 });
    expect([...kit.files.snapshot()].filter(([path]) => !path.startsWith("/state"))).toEqual(
      [...before].filter(([path]) => !path.startsWith("/state")),
    );
  });

  test("caches off: leases go, caches stay and are not looked at", async () => {
    await kit.onePodGone();
    kit.settings = { ...kit.settings, caches: "off" };
    const report = await kit.pass();
    expect(leases()).not.toContain("10.42.0.3");
    expect([results().length, report.caches.files]).toEqual([3, 0]);
  });

  test("a scan changes nothing at all, the memory's file neither", async () => {
    await kit.onePodGone();
    const before = kit.files.snapshot();
    const report = await kit.pass({ acts: false });
    expect(onlyNetwork(report).outcomes).toEqual({ "would-move": 1 });
    expect([report.acts, kit.files.snapshot()]).toEqual([false, before]);
  });

  test("what is alive again when it is looked at under the lock stays", async () => {
    await kit.onePodGone();
    const proofs = kit.proofs;
    // The first question suspects it, the second decides, the third is asked under the lock.
    kit.onProve = (before) => {
      if (before - proofs === 2) kit.alive = { ready: [LIVE], others: [DEAD] };
    };
    const report = await kit.pass();
    expect(onlyNetwork(report)).toMatchObject({ outcomes: { changed: 1 }, after: { stale: 1 } });
    expect(leases()).toContain("10.42.0.3");
    expect(results().length).toBe(3);
  });

  test("what is alive again before it is decided stays", async () => {
    await kit.onePodGone();
    const proofs = kit.proofs;
    kit.onProve = (before) => {
      if (before - proofs === 1) kit.alive = { ready: [LIVE], addresses: ["10.42.0.3"] };
    };
    expect(onlyNetwork(await kit.pass()).kept).toEqual({ "in-use": 1, "address-in-use": 1 });
    expect(kit.apply.orders.filter((order) => order.startsWith("leases"))).toEqual([]);
  });

  test("a lease that was rewritten meanwhile stays", async () => {
    await kit.onePodGone();
    const proofs = kit.proofs;
    kit.onProve = (before) => {
      if (before - proofs === 1) kit.files.lease("10.42.0.3", OTHER);
    };
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ changed: 1 });
  });

  test("case 25: a lock that can't be had is told and tried again", async () => {
    await kit.onePodGone();
    kit.apply.obstacle = "the lock is held for more than 5 s";
    const report = onlyNetwork(await kit.pass());
    expect(report.outcomes).toEqual({ skipped: 1 });
    expect(report.troubles).toEqual([
      { kind: "not-removed", path: NETWORK_PATH, seen: "the lock is held for more than 5 s" },
    ]);
    expect(results().length).toBe(3);
    kit.apply.obstacle = undefined;
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ moved: 1 });
    expect(results().length).toBe(1);
  });

  test("cases 7 and 8: nothing goes while nothing is proven, and nothing is forgotten", async () => {
    await kit.onePodGone();
    kit.unproven = "containerd: no answer";
    const report = await kit.pass();
    expect(report).toMatchObject({ obstacle: "containerd: no answer", isWhole: true });
    expect(onlyNetwork(report).kept).toEqual({ unproven: 2 });
    expect(kit.apply.orders).toEqual([]);
    kit.unproven = undefined;
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ moved: 1 });
  });

  test("case 9: a runtime that was there before and is not any more", async () => {
    await kit.onePodGone();
    kit.alive = { ready: [LIVE], runtimes: ["/run/other.sock"] };
    const report = await kit.pass();
    expect(report.obstacle).toContain("/run/containerd/containerd.sock answered before in this boot");
    expect(onlyNetwork(report).kept).toEqual({ "runtime-missing": 2 });
    expect(kit.apply.orders).toEqual([]);
  });
});

describe("a lease that was never listed", () => {
  test("goes after ten minutes, by the monotonic clock", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    kit.files.cache(DEAD);
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 1 });
    kit.nowMillis += 10 * MINUTES - 100;
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 1 });
    kit.nowMillis += 100;
    const report = await kit.pass();
    expect(onlyNetwork(report).rules).toEqual({ "seen-twice": 1 });
    expect(report.caches.rules).toEqual({ "lease-released": 1 });
  });

  test("case 5: one that is listed in between begins anew, and its cache does", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    kit.files.cache(DEAD);
    await kit.pass();
    kit.nowMillis += 9 * MINUTES;
    kit.alive = { others: [DEAD] };
    expect(onlyNetwork(await kit.pass()).kept).toEqual({ "known-elsewhere": 1 });
    expect(leases()).toEqual(["10.42.0.3"]);
  });

  test("a look that proves nothing is none, and does not begin anew", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    await kit.pass();
    kit.nowMillis += 5 * MINUTES;
    kit.unproven = "containerd: no answer";
    await kit.pass();
    kit.unproven = undefined;
    kit.nowMillis += 5 * MINUTES;
    expect(onlyNetwork(await kit.pass()).rules).toEqual({ "seen-twice": 1 });
  });

  test("case 27: without a memory it takes ten minutes again, and no harm is done", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    await kit.pass();
    kit.nowMillis += 10 * MINUTES;
    kit.restart();
    kit.files.write("/state/leases.json", "");
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 1, stale: 0 });
  });

  test("goes at once after a reboot, if it was seen before", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    await kit.pass();
    kit.reboot("boot-2");
    kit.files.lease("10.42.0.4", OTHER);
    const report = onlyNetwork(await kit.pass());
    expect(report).toMatchObject({ outcomes: { moved: 1 }, rules: { "earlier-boot": 1 }, predating: 0 });
    expect(leases()).toEqual(["10.42.0.4"]);
  });

  test("where it can't be told which boot this is, it takes ten minutes", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    await kit.pass();
    kit.reboot("boot-2");
    kit.bootID = undefined;
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 1 });
  });
});

describe("after a reboot", () => {
  test("ended sandboxes keep their leases, which are counted as of before this boot", async () => {
    kit.files.lease("10.42.0.3", DEAD);
    kit.alive = { ready: [DEAD] };
    await kit.pass();
    kit.reboot("boot-2");
    kit.alive = { notReady: [DEAD] };
    expect(onlyNetwork(await kit.pass())).toMatchObject({ before: { ended: 1 }, predating: 1 });
    kit.alive = { notReady: [] };
    expect(onlyNetwork(await kit.pass())).toMatchObject({ outcomes: { moved: 1 }, predating: 0 });
  });

  test("case 26: dates of files mean nothing", async () => {
    for (const [index, seconds] of [0, 2 ** 31, 1].entries()) {
      const path = kit.files.path(kit.files.lease(`10.42.0.${index + 2}`, sandboxID(index + 10)));
      utimesSync(path, seconds, seconds);
    }
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 3 });
    kit.alive = { ready: [sandboxID(11)] };
    expect(onlyNetwork(await kit.pass()).before).toMatchObject({ waiting: 2, live: 1 });
  });
});

describe("several networks", () => {
  test("cases 3 and 30: one address in two of them, and one outside of the pool, each judged by its owner", async () => {
    kit.settings = { ...kit.settings, networks: ["storage"] };
    await kit.onePodGone();
    kit.files.lease("10.42.0.3", LIVE, "storage", "net1");
    kit.files.lease("192.168.7.7", DEAD, "storage", "net1");
    const { networks } = await kit.pass();
    expect(networks.map(({ name, outcomes }) => [name, outcomes.moved ?? 0])).toEqual([
      ["k8s-pod-network", 1],
      ["storage", 1],
    ]);
    expect(leases()).toContain("10.42.0.2");
    expect(readdirSync(kit.files.path("/var/lib/cni/networks/storage"))).toEqual(["10.42.0.3"]);
    // One lock at a time, one for each directory.
    expect(kit.apply.orders.filter((order) => order.startsWith("leases"))).toEqual([
      "leases k8s-pod-network 1",
      "leases storage 1",
    ]);
  });

  test("case 38: a data directory that a reboot empties", async () => {
    kit.files.conf("k8s-pod-network", { dataDir: "/run/cni-ipam-state" });
    kit.files.write("/run/cni-ipam-state/k8s-pod-network/10.42.0.3", `${DEAD}\r\neth0`);
    kit.alive = { ready: [DEAD] };
    await kit.pass();
    kit.alive = {};
    expect(onlyNetwork(await kit.pass())).toMatchObject({
      path: "/run/cni-ipam-state/k8s-pod-network",
      outcomes: { moved: 1 },
    });
  });

  test("case 35: of thousands none is lost, and the lock is let go in between", async () => {
    for (let index = 0; index < 450; index += 1) {
      kit.files.lease(`10.42.${Math.floor(index / 250)}.${index % 250}`, sandboxID(1_000 + index));
    }
    await kit.pass();
    kit.reboot("boot-2");
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ moved: 450 });
    expect(kit.apply.orders.filter((order) => order.startsWith("leases"))).toEqual([
      "leases k8s-pod-network 200",
      "leases k8s-pod-network 200",
      "leases k8s-pod-network 50",
    ]);
  });
});
