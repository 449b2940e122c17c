/** Cases 26 to 29 and 31 to 34 and 40: clocks, boots, caches and the way back (facts/cni-state.md 6). */
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { movedIn, staleBeside, useCases } from "./case-kit.ts";
import { expectPluginWorks, newID, orphan } from "./host-local.ts";
import { RealAgent } from "./real-agent.ts";

const { node, agent, livePod } = useCases();
const PODS = "/var/lib/cni/networks/pods";
const RESULTS = "/var/lib/cni/results";

/** The node goes down and comes up; kubelet makes its pods anew. */
async function reboot(): Promise<void> {
  await node().cutPower();
}

describe("clocks and boots", () => {
  it.each([
    ["1970", 0],
    ["a year ahead", 365 * 86_400],
    ["2038", 2 ** 31],
  ])("case 26: dates of files say nothing: %s", async (_, seconds) => {
    const stale = await staleBeside(node());
    for (const name of [stale, node().addressOf(livePod())]) {
      utimesSync(join(node().networkDirectory, name), seconds, seconds);
    }
    expect(movedIn(await agent().pass())).toEqual([]);
    agent().skipTenMinutes();
    expect(movedIn(await agent().pass())).toEqual([`${PODS}/${stale}`]);
  });

  it.each(["", "{", "garbage"])(
    "case 27: with its memory lost or broken (%j) it is slower, and as safe",
    async (text) => {
      const stale = await staleBeside(node());
      await agent().pass();
      writeFileSync(node().at("/var/lib/nodelatch/leases.json"), text);
      const next = new RealAgent(node());
      expect(movedIn(await next.pass())).toEqual([]);
      next.skipTenMinutes();
      expect(movedIn(await next.pass())).toEqual([`${PODS}/${stale}`]);
    },
  );

  it("cases 28 and 29: a restart of all services in one boot is no death: what lives is listed, and stays", async () => {
    const stale = await staleBeside(node());
    const before = new Map(node().leases());
    await agent().pass();
    await node().containerd.killDaemon();
    const next = new RealAgent(node());
    await expect
      .poll(async () => (await next.prove(new AbortController().signal)).kind, { timeout: 60_000 })
      .toBe("proven");
    expect(movedIn(await next.pass())).toEqual([]);
    expect(new Map(node().leases())).toEqual(before);
    next.skipTenMinutes();
    expect(movedIn(await next.pass())).toEqual([`${PODS}/${stale}`]);
  });
});

describe("caches", () => {
  it("case 31: a cache that a power cut emptied keeps a sandbox from ending on 1.6, and goes, and then it ends", async () => {
    const id = await node().runPod();
    const name = readdirSync(node().at(RESULTS)).find((one) => one.startsWith(`pods-${id}`)) ?? "";
    writeFileSync(join(node().at(RESULTS), name), "");
    await expect(node().driver.stopSandbox(id)).rejects.toThrow("cached result");
    expect(movedIn(await agent().settledPass())).toEqual([`${RESULTS}/${name}`]);
    await node().removePod(id);
    expect([...node().leases().values()]).toEqual([livePod()]);
  });

  it("case 32: a broken scratch file of a sandbox that is known stays", async () => {
    const path = node().at(`/var/lib/cni/flannel/${livePod()}`);
    await node().run("mkdir", "-p", "/var/lib/cni/flannel", "/var/lib/cni/multus");
    writeFileSync(path, "");
    const gone = newID();
    const [address = ""] = await orphan(node(), { id: gone });
    writeFileSync(node().at(`/var/lib/cni/flannel/${gone}`), "{}");
    writeFileSync(node().at(`/var/lib/cni/multus/${gone}`), "[]");
    const moved = movedIn(await agent().settledPass());
    const scratch = [`/var/lib/cni/flannel/${gone}`, `/var/lib/cni/multus/${gone}`];
    expect(moved.toSorted()).toEqual([...scratch, `${PODS}/${address}`].toSorted());
    expect(readFileSync(path, "utf8")).toBe("");
    await node().run("rm", "-r", "/var/lib/cni/flannel", "/var/lib/cni/multus");
  });

  it("case 33: a cache of a dead id goes without a DEL being played; that of a live one stays", async () => {
    const id = await node().runPod();
    const file = readdirSync(node().at(RESULTS)).find((one) => one.startsWith(`pods-${id}`)) ?? "";
    const text = readFileSync(join(node().at(RESULTS), file), "utf8");
    await node().removePod(id);
    writeFileSync(join(node().at(RESULTS), file), text);
    const before = existsSync(node().at("/var/log/nodelatch-test-cni.log"))
      ? readFileSync(node().at("/var/log/nodelatch-test-cni.log"), "utf8")
      : "";
    expect(movedIn(await agent().settledPass())).toEqual([`${RESULTS}/${file}`]);
    expect(readFileSync(node().at("/var/log/nodelatch-test-cni.log"), "utf8")).toBe(before);
    expect(readdirSync(node().at(RESULTS)).some((one) => one.includes(livePod()))).toBe(true);
  });

  it("case 34: of ten thousand caches of dead ids all go, a bounded number at a time", async () => {
    const count = 10_000;
    const live = readdirSync(node().at(RESULTS)).find((name) => name.startsWith(`pods-${livePod()}`)) ?? "";
    const text = readFileSync(join(node().at(RESULTS), live), "utf8");
    for (let number = 0; number < count; number++) {
      const id = number.toString(16).padStart(64, "0");
      writeFileSync(join(node().at(RESULTS), `pods-${id}-eth0`), text.replaceAll(livePod(), id));
    }
    await agent().pass();
    agent().skipTenMinutes();
    const { caches } = await agent().pass();
    expect(caches.outcomes).toEqual({ moved: count });
    expect(readdirSync(node().at(RESULTS)).every((name) => name.includes(livePod()))).toBe(true);
  });
});

describe("the way back", () => {
  it("case 40: everything can be put back as it was, and the plugin frees it then", async () => {
    const id = newID();
    const [address = ""] = await orphan(node(), { id });
    const before = readFileSync(join(node().networkDirectory, address));
    expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${address}`]);
    const report = await agent().removal.quarantine.restore(
      { kind: "named", paths: [`${PODS}/${address}`] },
      new AbortController().signal,
    );
    expect(report).toEqual({ restored: [`${PODS}/${address}`], left: [] });
    expect(readFileSync(join(node().networkDirectory, address))).toEqual(before);
    await expectPluginWorks(node(), { id });
  });
});

describe("a reboot", () => {
  it("leaves leases of the boot before, of which those of nobody go at once, and no other", async () => {
    const stale = await staleBeside(node());
    const held = node().addressOf(livePod());
    await agent().pass();
    await reboot();
    const next = new RealAgent(node());
    const report = await next.pass();
    // containerd lists the pod that ran as NOTREADY: its lease is kubelet's to release.
    expect(movedIn(report)).toEqual([`${PODS}/${stale}`]);
    expect(node().has(held)).toBe(true);
    await node().removePod(livePod());
    expect([...node().leases()]).toEqual([]);
  });
});
