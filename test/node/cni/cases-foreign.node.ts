/** Cases 10 to 19 and 39: what in a network directory is not a lease of a pod of Kubernetes' (facts/cni-state.md 6). */
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { movedIn, networkOf, staleBeside, useCases } from "./case-kit.ts";
import { expectPluginWorks, hostLocal, newID, orphan } from "./host-local.ts";
import { RealAgent } from "./real-agent.ts";

const { node, agent } = useCases();
const PODS = "/var/lib/cni/networks/pods";

/** What is there stays, to the byte, and the stale lease beside it goes. */
async function expectKept(name: string, content: string, by: RealAgent = agent()): Promise<void> {
  const path = join(node().networkDirectory, name);
  writeFileSync(path, content);
  const { ino } = lstatSync(path);
  const stale = await staleBeside(node());
  expect(movedIn(await by.settledPass())).toEqual([`${PODS}/${stale}`]);
  expect([readFileSync(path, "utf8"), lstatSync(path).ino]).toEqual([content, ino]);
}

async function expectGone(name: string, content: string): Promise<void> {
  node().lease(name, content);
  expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${name}`]);
  const { restored } = await agent().removal.quarantine.restore(
    { kind: "all" },
    new AbortController().signal,
  );
  expect(restored).toEqual([`${PODS}/${name}`]);
  expect(readFileSync(join(node().networkDirectory, name), "utf8")).toBe(content);
}

describe("what is not a pod's", () => {
  it("case 10: podman's networks are left alone, ids of 64 digits and all", async () => {
    for (const network of ["podman", "cni-podman1", "mine"]) {
      const [address = ""] = await orphan(node(), { network });
      const stale = await staleBeside(node());
      expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
      expect(node().has(address, node().at(`/var/lib/cni/networks/${network}`))).toBe(true);
      await expectPluginWorks(node(), { network });
    }
  });

  it("case 10: an id that podman keeps on the disk is alive in Kubernetes' own network, too", async () => {
    const id = newID();
    const [address = ""] = await orphan(node(), { id });
    const kept = node().at(`/var/lib/containers/storage/overlay-containers/${id}`);
    mkdirSync(kept, { recursive: true });
    expect(movedIn(await agent().settledPass())).toEqual([]);
    await node().run("rm", "-r", "/var/lib/containers");
    expect(movedIn(await agent().pass())).toEqual([`${PODS}/${address}`]);
  });

  it.each([`default-${"a".repeat(64)}`, `k8s.io-${"b".repeat(64)}`])(
    "case 11: a reservation of nerdctl or ctr stays: %s",
    async (id) => {
      const [address = ""] = await orphan(node(), { id });
      const stale = await staleBeside(node());
      expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
      expect(node().has(address)).toBe(true);
      expect((await hostLocal(node(), { command: "DEL", id })).kind).toBe("ok");
      expect(node().has(address)).toBe(false);
    },
  );

  it.each(["reserved", "db-primary.example.org", "do not use\n", `x${"a".repeat(64)}`, "A".repeat(64)])(
    "case 12: a person's reservation stays, and is told of: %j",
    async (content) => {
      await expectKept("10.213.7.200", content);
      const { troubles } = networkOf(await agent().pass());
      expect(troubles.map(({ kind, path }) => [kind, path])).toEqual([
        ["foreign-reservation", `${PODS}/10.213.7.200`],
      ]);
    },
  );

  it.each(["", "\0".repeat(70)])(
    "case 13: one that a power cut emptied goes to quarantine, aged: %j",
    async (content) => {
      await expectGone("10.213.7.201", content);
    },
  );

  it("case 13: one that a power cut emptied stays while it is young, and where it is to stay", async () => {
    node().lease("10.213.7.201", "");
    expect(movedIn(await agent().pass())).toEqual([]);
    const careful = new RealAgent(node(), { settings: { blankLeases: false } });
    expect(movedIn(await careful.settledPass())).toEqual([]);
    expect(node().has("10.213.7.201")).toBe(true);
  });

  it("case 14: OpenYurt's files keep the whole directory as it is", async () => {
    const [address = ""] = await orphan(node());
    node().lease("10.213.7.202_default_web-0", "");
    node().lease("10.213.7.203", "");
    const report = await agent().settledPass();
    expect([movedIn(report), networkOf(report).troubles.map(({ kind }) => kind)]).toEqual([
      [],
      ["retention"],
    ]);
    expect([node().has(address), node().has("10.213.7.202_default_web-0")]).toEqual([true, true]);
    await node().run("rm", `${PODS}/10.213.7.202_default_web-0`);
    expect(movedIn(await agent().settledPass())).toHaveLength(2);
  });

  it("case 15: half an id is as good as none, and never that of the pod which it begins", async () => {
    const [live = ""] = [...node().leases().values()];
    await expectGone("10.213.7.204", live.slice(0, 37));
  });

  it.each([
    ["an id alone", (id: string) => id],
    ["with a last end of line", (id: string) => `${id}\r\neth0\n`],
    // host-local itself can't free this one.
    ["with a plain end of line", (id: string) => `${id}\neth0`],
    // Case 17.
    ["without a last end of line", (id: string) => `${id}\r\neth0`],
  ])("cases 16 and 17: a dead one's lease goes, %s", async (_, content) => {
    await expectGone("10.213.7.205", content(newID()));
  });

  it.each([
    ["an id alone", (id: string) => id],
    ["with a last end of line", (id: string) => `${id}\r\neth0\n`],
    ["with a plain end of line", (id: string) => `${id}\neth0`],
  ])("case 16: a live one's lease stays, %s", async (_, content) => {
    const [live = ""] = [...node().leases().values()];
    await expectKept("10.213.7.206", content(live));
  });

  it.each([
    "README",
    ".10.213.7.2.swp",
    "010.213.7.1",
    "10.213.7.256",
    "::FFFF:10.213.7.2",
    "fd00_213_7__2",
    "10.213.7.2~",
    "last_reserved_ip.7",
  ])("case 18: %s is never touched, whatever it holds", async (name) => {
    await expectKept(name, `${newID()}\r\neth0`);
    await node().run("rm", `${PODS}/${name}`);
  });

  it("case 18: neither is the lock, nor the last reserved address", async () => {
    await staleBeside(node());
    const before = ["lock", "last_reserved_ip.0"].map(
      (name) => lstatSync(join(node().networkDirectory, name)).ino,
    );
    const last = readFileSync(join(node().networkDirectory, "last_reserved_ip.0"), "utf8");
    await agent().settledPass();
    const after = ["lock", "last_reserved_ip.0"].map(
      (name) => lstatSync(join(node().networkDirectory, name)).ino,
    );
    expect(after).toEqual(before);
    expect(readFileSync(join(node().networkDirectory, "last_reserved_ip.0"), "utf8")).toBe(last);
    await expectPluginWorks(node());
  });

  it.each(["a directory", "a pipe", "a link", "a device"])(
    "case 19: %s of an address's name is never touched, and told of",
    async (what) => {
      // First: host-local itself waits for ever where it finds a pipe, with the lock in its hands.
      const stale = await staleBeside(node());
      const name = "10.213.7.207";
      const path = join(node().networkDirectory, name);
      const target = join(node().networkDirectory, "target");
      if (what === "a directory") mkdirSync(join(path, "10.213.7.208"), { recursive: true });
      if (what === "a pipe") await node().run("mkfifo", `${PODS}/${name}`);
      if (what === "a link") {
        writeFileSync(target, `${newID()}\r\neth0`);
        symlinkSync("target", path);
      }
      if (what === "a device") await node().run("mknod", `${PODS}/${name}`, "c", "1", "3");
      const report = await agent().settledPass();
      expect(movedIn(report)).toEqual([`${PODS}/${stale}`]);
      expect(lstatSync(path).isFile()).toBe(false);
      const { troubles } = networkOf(report);
      expect(troubles.map(({ kind, path: at }) => [kind, at])).toContainEqual([
        "address-blocked",
        `${PODS}/${name}`,
      ]);
      await node().run("rm", "-rf", `${PODS}/${name}`, `${PODS}/target`);
      expect(existsSync(target)).toBe(false);
    },
  );

  it("case 39: ids of other forms, of a daemon that uses host-local itself, stay", async () => {
    for (const id of ["cilium-health", "00000000-0000-0000-0000-000000000001", "a".repeat(63)]) {
      const [address = ""] = await orphan(node(), { id });
      const stale = await staleBeside(node());
      expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
      expect(node().has(address)).toBe(true);
    }
  });
});
