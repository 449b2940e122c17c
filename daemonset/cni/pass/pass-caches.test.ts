/** Caches, ended sandboxes, and the node around them. */
import { readdirSync, rmSync, symlinkSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cacheText } from "../testing/cache-text.ts";
import { NETWORK, NETWORK_PATH } from "../testing/node-files.ts";
import { CniPassKit, DEAD, LIVE, onlyNetwork } from "../testing/pass-kit.ts";

let kit: CniPassKit;
beforeEach(() => {
  kit = new CniPassKit();
  kit.files.conf();
});
afterEach(() => kit.close());

const leases = (): readonly string[] => readdirSync(kit.files.path(NETWORK_PATH)).toSorted();
const results = (): readonly string[] => readdirSync(kit.files.path("/var/lib/cni/results")).toSorted();

describe("caches of dead sandboxes without a lease", () => {
  beforeEach(async () => {
    await kit.onePodGone();
    kit.settings = { ...kit.settings, caches: "off" };
    await kit.pass();
    kit.settings = { ...kit.settings, caches: "on" };
  });

  test("go by the same proof", async () => {
    const { caches } = await kit.pass();
    expect(caches).toMatchObject({ rules: { "listed-before": 3 }, outcomes: { moved: 3 } });
  });

  test("mode report: they are told", async () => {
    kit.settings = { ...kit.settings, caches: "report" };
    expect((await kit.pass()).caches.outcomes).toEqual({ "would-move": 3 });
    expect(results().length).toBe(3);
  });

  test("stay if their sandbox is alive when they are looked at again", async () => {
    const proofs = kit.proofs;
    kit.onProve = (before) => {
      if (before - proofs === 2) kit.alive = { ready: [LIVE], others: [DEAD] };
    };
    const { caches } = await kit.pass();
    expect(caches).toMatchObject({ outcomes: { changed: 2 }, kept: { "known-elsewhere": 1 } });
    expect(results().length).toBe(3);
  });

  test("are moved a few at a time where they are large, as they are held until then", async () => {
    for (const ifname of ["net1", "net2", "net3"]) {
      const text = cacheText({ id: DEAD, network: NETWORK });
      const name = `${NETWORK}-${DEAD}-${ifname}`;
      kit.files.write(`/var/lib/cni/results/${name}`, text + " ".repeat(300 * 1_024));
    }
    const { caches } = await kit.pass();
    expect(caches.outcomes).toEqual({ moved: 6 });
    const sizes = kit.apply.orders
      .filter((order) => order.startsWith("files"))
      .map((order) => Number(order.slice(6)));
    expect(sizes.length).toBeGreaterThan(2);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(6);
  });

  test("stay while not all leases can be read: theirs may be among them", async () => {
    symlinkSync("loop", kit.files.path("/loop"));
    kit.settings = { ...kit.settings, dataDirs: [...kit.settings.dataDirs, "/loop"] };
    const report = await kit.pass();
    expect(report).toMatchObject({ isWhole: false, caches: { kept: { "lease-kept": 3 }, outcomes: {} } });
  });
});

describe("broken caches of listed sandboxes", () => {
  const path = `/var/lib/cni/results/${NETWORK}-${LIVE}-eth0`;

  test("case 31: one that blocks the stop goes at the second look", async () => {
    kit.files.lease("10.42.0.2", LIVE);
    kit.files.write(path, "");
    kit.files.write(`/var/lib/cni/results/cni-loopback-${LIVE}-lo`, "");
    kit.alive = { notReady: [LIVE], version: "1.7.24" };
    expect((await kit.pass()).caches.kept).toMatchObject({ "corrupt-too-briefly": 1, "in-use": 1 });
    kit.nowMillis += 10_000;
    const report = await kit.pass();
    expect(report.caches).toMatchObject({ rules: { "blocks-stop": 1 }, outcomes: { moved: 1 } });
    expect([leases(), results()]).toEqual([["10.42.0.2"], [`cni-loopback-${LIVE}-lo`]]);
  });

  test("one that changed meanwhile is being written", async () => {
    kit.files.write(path, "");
    kit.alive = { ready: [LIVE], version: "1.7.24" };
    await kit.pass();
    kit.files.write(path, '{"kind":');
    kit.nowMillis += 10_000;
    expect((await kit.pass()).caches.kept).toEqual({ "corrupt-too-briefly": 1 });
    kit.files.write(path, cacheText({ id: LIVE, network: NETWORK }));
    kit.nowMillis += 10_000;
    expect((await kit.pass()).caches.kept).toEqual({ "in-use": 1 });
  });

  test("containerd 2 does not mind; case 32: scratch files stay whatever is in them", async () => {
    kit.files.write(path, "");
    kit.files.write(`/var/lib/cni/multus/${LIVE}`, "");
    kit.alive = { notReady: [LIVE], version: "2.1.9" };
    await kit.pass();
    kit.nowMillis += 10_000;
    expect((await kit.pass()).caches).toMatchObject({ kept: { "in-use": 2 }, outcomes: {} });
  });
});

describe("ended sandboxes with a lease", () => {
  const pod = { uid: "u", namespace: "default", name: "web" };

  beforeEach(() => {
    kit.files.lease("10.42.0.3", DEAD);
    const old = { id: DEAD, pod, attempt: 0, state: "not-ready", createdAtNanos: 1n } as const;
    const successor = { id: LIVE, pod, attempt: 1, state: "ready", createdAtNanos: 2n } as const;
    kit.alive = { sandboxes: [old, successor] };
  });

  test("are stopped again, and not for ever", async () => {
    for (let pass = 0; pass < 5; pass += 1) await kit.pass();
    expect(kit.stopped).toEqual([DEAD, DEAD, DEAD]);
  });

  test("what came of it is told", async () => {
    expect((await kit.pass()).repairs).toMatchObject([{ id: DEAD, pod: "default/web", outcome: "stopped" }]);
    kit.stop = () => ({ kind: "unsupported", message: "Docker has no such call" });
    expect((await kit.pass()).repairs).toMatchObject([
      { outcome: "failed", detail: "Docker has no such call" },
    ]);
  });

  test("are told only: kubelet is down, mode report, a scan, by hand", async () => {
    kit.repairObstacle = "kubelet does not run";
    expect(await kit.pass()).toMatchObject({
      repairHeld: "kubelet does not run",
      repairs: [{ outcome: "would-stop", detail: "kubelet does not run" }],
    });
    kit.repairObstacle = undefined;
    kit.settings = { ...kit.settings, sandboxRepair: "report" };
    expect((await kit.pass()).repairs).toMatchObject([{ outcome: "would-stop" }]);
    kit.settings = { ...kit.settings, sandboxRepair: "off" };
    expect((await kit.pass()).repairs).toEqual([]);
    kit.settings = { ...kit.settings, sandboxRepair: "on" };
    expect((await kit.pass({ acts: false })).repairs).toMatchObject([{ outcome: "would-stop" }]);
    kit.alive = { ...kit.alive, ownedBy: "ready-lease-needed" };
    expect((await kit.pass()).repairs).toEqual([]);
    expect(kit.stopped).toEqual([]);
  });

  test("one that runs again when asked just before is not", async () => {
    const proofs = kit.proofs;
    kit.onProve = (before) => {
      if (before - proofs === 1) kit.alive = { ready: [LIVE, DEAD] };
    };
    await kit.pass();
    expect(kit.stopped).toEqual([]);
  });
});

describe("the node", () => {
  test("case 22: without any directory", async () => {
    expect(await kit.pass()).toMatchObject({ networks: [], isWhole: true, troubles: [] });
  });

  test("a version that leaks is named with the one that does not", async () => {
    kit.alive = { version: "v1.7.24-k3s1" };
    expect((await kit.pass()).runtimes).toMatchObject([{ version: "v1.7.24-k3s1", mended: "1.7.31" }]);
  });

  test("dead entries of /run/netns are counted and stay", async () => {
    kit.files.write("/run/netns/cni-dead", "");
    kit.files.write("/run/netns/cni-live", "");
    kit.alive = { namespacePaths: ["/run/netns/cni-live"] };
    expect((await kit.pass()).deadNamespaces).toBe(1);
    expect(readdirSync(kit.files.path("/run/netns")).length).toBe(2);
  });

  test("a disk that takes no memory is told, and the pass goes on", async () => {
    await kit.onePodGone();
    rmSync(kit.files.path("/state"), { recursive: true });
    kit.files.write("/state", "a file in its place");
    const report = await kit.pass();
    expect(report.memory.problem).toContain("leases.json");
    expect(onlyNetwork(report).outcomes).toEqual({ moved: 1 });
  });

  test("a signal ends the pass, and what was not seen is not forgotten", async () => {
    await kit.onePodGone();
    const cut = await kit.pass({ signal: AbortSignal.abort() });
    expect([cut.isWhole, kit.apply.orders]).toEqual([false, []]);
    expect(onlyNetwork(await kit.pass()).outcomes).toEqual({ moved: 1 });
  });
});
