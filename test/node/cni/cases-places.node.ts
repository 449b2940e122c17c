/** Cases 20 to 25, 30, 35 and 38: directories, locks and disks that are not as usual (facts/cni-state.md 6). */
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { movedIn, networkOf, staleBeside, useCases } from "./case-kit.ts";
import { expectPluginWorks, hostLocal, newID, orphan } from "./host-local.ts";
import { RealAgent } from "./real-agent.ts";

const { node, agent, livePod } = useCases();
const PODS = "/var/lib/cni/networks/pods";
const LINKED = "/var/lib/cni/networks/linked";

describe("places", () => {
  it("case 20: a network that is a link is worked on where it leads, under the lock there, and told of", async () => {
    await node().run("mkdir", "-p", "/var/lib/cni/elsewhere");
    await node().run("ln", "-s", "../elsewhere", LINKED);
    const id = newID();
    const [address = ""] = await orphan(node(), { id, network: "linked" });
    // host-local itself finds nothing to free there.
    await hostLocal(node(), { command: "DEL", id, network: "linked" });
    expect(node().has(address, node().at("/var/lib/cni/elsewhere"))).toBe(true);
    const report = await new RealAgent(node(), { settings: { networks: ["linked"] } }).settledPass();
    expect(networkOf(report, "linked")).toMatchObject({ isLink: true, troubles: [{ kind: "link" }] });
    expect(node().has(address, node().at("/var/lib/cni/elsewhere"))).toBe(false);
    expect(lstatSync(node().at(LINKED)).isSymbolicLink()).toBe(true);
    await node().run("rm", "-r", LINKED, "/var/lib/cni/elsewhere");
  });

  it("case 20: a link that leads out of where leases are is left alone, and told of", async () => {
    await node().run("rm", "-rf", LINKED);
    await node().run("mkdir", "-p", "/var/lib/outside");
    symlinkSync("/var/lib/outside", node().at(LINKED));
    const [address = ""] = await orphan(node(), { network: "linked" });
    const report = await new RealAgent(node(), { settings: { networks: ["linked"] } }).settledPass();
    expect(report.troubles.map(({ kind, path }) => [kind, path])).toContainEqual(["link-leads-out", LINKED]);
    expect(node().has(address, node().at("/var/lib/outside"))).toBe(true);
    await node().run("rm", "-r", LINKED, "/var/lib/outside");
  });

  it("case 21: a parent that is a link, or mounted, is as good as any", async () => {
    await node().run("mv", "/var/lib/cni/networks", "/var/lib/cni/real-networks");
    await node().run("ln", "-s", "/var/lib/cni/real-networks", "/var/lib/cni/networks");
    try {
      const stale = await staleBeside(node());
      const report = await agent().settledPass();
      expect(movedIn(report)).toEqual([`${PODS}/${stale}`]);
      await expectPluginWorks(node());
    } finally {
      await node().run("rm", "/var/lib/cni/networks");
      await node().run("mv", "/var/lib/cni/real-networks", "/var/lib/cni/networks");
    }
    const stale = await staleBeside(node());
    await node().run("mount", "--bind", "/var/lib/cni", "/var/lib/cni");
    // Between two mounts of one disk a rename is none: it is copied.
    expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
    await node().run("umount", "/var/lib/cni");
    await expectPluginWorks(node());
  });

  it("case 22: a network that is not there is not made; one that comes later is worked on", async () => {
    const later = new RealAgent(node(), { settings: { networks: ["later"] } });
    await later.pass();
    expect(existsSync(node().at("/var/lib/cni/networks/later"))).toBe(false);
    const [address = ""] = await orphan(node(), { network: "later" });
    expect(movedIn(await later.settledPass())).toEqual([`/var/lib/cni/networks/later/${address}`]);
    await orphan(node(), { network: "later" });
    await later.pass();
    rmSync(node().at("/var/lib/cni/networks/later"), { recursive: true });
    later.skipTenMinutes();
    expect(movedIn(await later.pass())).toEqual([]);
    expect(existsSync(node().at("/var/lib/cni/networks/later"))).toBe(false);
    await expectPluginWorks(node(), { network: "later" });
    rmSync(node().at("/var/lib/cni/networks/later"), { recursive: true });
  });

  it("case 23: on a read-only file system nothing goes, and the report says why", async () => {
    const stale = await staleBeside(node());
    await node().run("mount", "--bind", "/var/lib/cni", "/var/lib/cni");
    await node().run("mount", "-o", "remount,ro,bind", "/var/lib/cni");
    try {
      const report = await agent().settledPass();
      expect(movedIn(report)).toEqual([]);
      expect(networkOf(report).troubles[0]?.seen).toMatch(/read-only file system/i);
      expect(node().has(stale)).toBe(true);
    } finally {
      await node().run("umount", "/var/lib/cni");
    }
    expect(movedIn(await agent().pass())).toEqual([`${PODS}/${stale}`]);
    await expectPluginWorks(node());
  });

  it("case 24: a lock that is not there is made as host-local makes it, and never replaced", async () => {
    const stale = await staleBeside(node());
    rmSync(join(node().networkDirectory, "lock"));
    expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
    const { ino, mode, size } = lstatSync(join(node().networkDirectory, "lock"));
    expect([mode & 0o777, size]).toEqual([0o750, 0]);
    await expectPluginWorks(node());
    await staleBeside(node());
    await agent().settledPass();
    expect(lstatSync(join(node().networkDirectory, "lock")).ino).toBe(ino);
  });

  it("case 25: a lock that a hung plugin holds is never broken; the network waits for the next pass", async () => {
    const stale = await staleBeside(node());
    await agent().pass();
    agent().skipTenMinutes();
    const letGo = "/run/let-go";
    const hang = `until [ -e ${letGo} ]; do sleep 0.1; done`;
    const holding = node().run("flock", `${PODS}/lock`, "timeout", "50", "sh", "-c", hang);
    try {
      await expect
        .poll(async () => node().run("sh", "-c", `flock -n ${PODS}/lock true && echo free || echo held`))
        .toBe("held\n");
      const report = await agent().pass();
      expect(movedIn(report)).toEqual([]);
      expect(networkOf(report).troubles[0]).toMatchObject({ kind: "not-removed" });
      expect(networkOf(report).troubles[0]?.seen).toContain("another has held it for 5 s");
    } finally {
      await node().run("touch", letGo);
      await holding;
      await node().run("rm", letGo);
    }
    expect(movedIn(await agent().pass())).toEqual([`${PODS}/${stale}`]);
    await expectPluginWorks(node());
  });

  it("case 30: leases outside of the range that the node has now are judged as all", async () => {
    const [old = ""] = await orphan(node(), { subnets: ["10.213.9.0/24"] });
    const [live = ""] = await orphan(node(), { subnets: ["10.213.9.0/24"], id: livePod(), ifname: "eth1" });
    expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${old}`]);
    expect(node().has(live)).toBe(true);
    await expectPluginWorks(node());
  });

  it("case 35: of thousands the lock is let go between batches, so that the plugin gets its turn", async () => {
    const count = 2_000;
    for (let number = 0; number < count; number++) {
      node().lease(`10.214.${Math.floor(number / 250)}.${number % 250}`, `${newID()}\r\neth0`);
    }
    await agent().pass();
    agent().skipTenMinutes();
    const passing = agent().pass();
    const before = performance.now();
    const [address = ""] = await orphan(node());
    const waitedMillis = performance.now() - before;
    const report = await passing;
    expect(networkOf(report).outcomes).toEqual({ moved: count });
    expect(agent().heldMillis.length).toBeGreaterThanOrEqual(count / 200);
    expect(Math.max(...agent().heldMillis)).toBeLessThan(5_000);
    expect(waitedMillis).toBeLessThan(20_000);
    expect(node().has(address)).toBe(true);
    await expectPluginWorks(node());
  });

  it("case 38: leases on a tmpfs are the same; what is stale there is copied to the disk", async () => {
    const dataDir = "/run/cni-ipam-state";
    const settings = { networks: ["fast"], dataDirs: ["/var/lib/cni/networks", dataDir] };
    const both = new RealAgent(node(), { settings });
    const [stale = ""] = await orphan(node(), { network: "fast", dataDir });
    const [live = ""] = await orphan(node(), { network: "fast", dataDir, id: livePod(), ifname: "eth1" });
    expect(movedIn(await both.settledPass())).toEqual([`${dataDir}/fast/${stale}`]);
    expect(readdirSync(node().at(`${dataDir}/fast`))).toContain(live);
    await expectPluginWorks(node(), { network: "fast", dataDir });
    mkdirSync(node().at(`${dataDir}/fast`), { recursive: true });
    writeFileSync(node().at(`${dataDir}/fast/README`), "");
    const { restored } = await both.removal.quarantine.restore({ kind: "all" }, new AbortController().signal);
    expect(restored).toEqual([`${dataDir}/fast/${stale}`]);
    rmSync(node().at(dataDir), { recursive: true });
  });
});
