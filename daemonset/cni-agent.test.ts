/** A whole agent, and its commands, over leases in a folder and a runtime in memory. */
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readNodeFact } from "../prepull/read-facts.ts";
import { runCniCommand, type CniCommand } from "./cni-commands.ts";
import { sandboxID } from "./cni/testing/proven.ts";
import { unlockedNode } from "./release/testing/own-node.ts";
import type { CriDriver } from "./runtime/testing/cri-driver.ts";
import type { FakeContainerd } from "./runtime/testing/fake-containerd.ts";
import { AGENT_UID, AgentKit, BOOT_ID, captureLog, OTHER_BOOT_ID, until } from "./testing/agent-kit.ts";
import { realTime } from "./host/time.ts";

const ON = ["--cni-leases=on", "--cni-caches=on", "--cni-sandbox-repair=on", "--shutdown-pass=off"];
const FAST = 50;
const NETWORK = "/var/lib/cni/networks/k8s-pod-network";
const DEAD = sandboxID(7);

let kit: AgentKit;
let fake: FakeContainerd;
let driver: CriDriver;
let live = "";
beforeEach(async () => {
  kit = await AgentKit.open();
  ({ fake, driver } = await kit.runtime());
  await driver.runSandbox({ uid: AGENT_UID, namespace: "nodelatch-system", name: "agent" }, 0);
  live = await driver.runSandbox({ uid: "web", namespace: "default", name: "web" }, 0);
  const ipam = { type: "host-local", subnet: "10.42.0.0/24" };
  const conf = { name: "k8s-pod-network", plugins: [{ type: "bridge", ipam }] };
  await write("/etc/cni/net.d/10-net.conflist", JSON.stringify(conf));
  await write(`${NETWORK}/10.42.0.7`, `${DEAD}\r\neth0`);
  await write(`/var/lib/cni/results/k8s-pod-network-${DEAD}-eth0`, "");
});
afterEach(async () => kit.close());

async function write(hostPath: string, text: string): Promise<void> {
  const path = join(kit.folder, hostPath);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

const leases = async () =>
  (await readdir(join(kit.folder, NETWORK))).filter((name) => name !== "lock").toSorted();
const caches = async () => readdir(join(kit.folder, "var/lib/cni/results"));

async function command(
  name: CniCommand,
  words: readonly string[] = [],
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  modes = ON,
): Promise<{ readonly code: number; readonly text: string }> {
  const printed: string[] = [];
  const code = await runCniCommand({
    command: name,
    words,
    config: kit.config([...modes, ...flags], env),
    world: kit.world(realTime),
    log: captureLog().log,
    print: (text) => printed.push(text),
    signal: new AbortController().signal,
  });
  return { code, text: printed.join("\n") };
}

/** What an agent has seen in a boot that has ended. */
async function seenBefore(): Promise<void> {
  kit.bootID = OTHER_BOOT_ID;
  expect((await command("clean")).text).toContain("1 seen-too-briefly");
  kit.bootID = BOOT_ID;
  // A sandbox that runs was made in this boot.
  await write(`${NETWORK}/10.42.0.2`, `${live}\r\neth0`);
}

describe("the agent", () => {
  test("after a boot: removes what is stale, and says so everywhere", async () => {
    await seenBefore();
    const posted: string[] = [];
    const annotated = new Map<string, string>();
    kit.connectApi = async () => ({
      ...unlockedNode(),
      post: async ({ reason, message }) => posted.push(`${reason}: ${message}`),
      annotate: async (key, value) => annotated.set(key, value),
      close: async () => {},
    });
    const agent = await kit.start(ON, FAST);
    await until(async () => (await leases()).length === 1 && (await caches()).length === 0);
    expect(await leases()).toEqual(["10.42.0.2"]);
    const report = (): string => annotated.get("nodelatch.io/boot-report") ?? "";
    await until(() => posted.length > 1 && report().includes('"removedLeases":1'));
    // The runtime in memory says that it is containerd 1.7.24.
    expect(posted.toSorted()).toEqual([
      expect.stringMatching(/^CniDiagnosis: .*containerd 1\.7\.24 forgets .*upgrade it to 1\.7\.31/),
      "StaleLeasesRemoved: released 1 address of network k8s-pod-network that no pod holds any more: 10.42.0.7",
    ]);
    expect(JSON.parse(report())).toMatchObject({
      bootID: BOOT_ID,
      removedLeases: 1,
      removedCaches: 1,
      predatingLeases: 0,
      proven: true,
    });
    const metrics = await (await fetch(`${agent.url}/metrics`)).text();
    expect(metrics).toContain('nodelatch_agent_cni_removals_total{what="lease",outcome="moved"} 1');
    expect(metrics).toContain('nodelatch_agent_cni_leases{state="live"} 1');
    expect(metrics).toContain('nodelatch_agent_cni_pool_addresses{family="IPv4",what="free"} 252');
    const ready = await (await fetch(`${agent.url}/readyz?verbose`)).text();
    expect(ready).toMatch(/\[\+\]cni ok: last pass: done, .*: 1 leases, 1 live, 0 stale/);
    // The file is written after all that, on a busy machine noticeably.
    await until(async () => (await command("report")).code === 0);
    const { code, text } = await command("report");
    expect([code, text.includes("0 leases predate this boot")]).toEqual([0, true]);
    expect(JSON.parse((await command("report", [], ["--output=json"])).text)).toMatchObject({ acts: true });
  });

  test("tells the webhook of KubeEdge's switch on this node", async () => {
    const annotated = new Map<string, string>();
    kit.connectApi = async () => ({
      ...unlockedNode(),
      post: async () => {},
      annotate: async (key, value) => annotated.set(key, value),
      close: async () => {},
    });
    const file = "/etc/kubeedge/config/edgecore.yaml";
    kit.kubeletFiles = { flags: [], configs: [], edgecoreConfigs: [file] };
    await write(file, "modules: {taskManager: {enable: false}}");
    await kit.start(ON, FAST);
    await until(() => annotated.has("nodelatch.io/boot-report"));
    expect(
      readNodeFact({ metadata: { name: "n1", annotations: Object.fromEntries(annotated) } }),
    ).toMatchObject({
      taskManager: "off",
    });
  });

  test("with passes over containers switched off it still passes over leases", async () => {
    await seenBefore();
    await kit.start([...ON, "--boot-pass=off", "--steady-pass=off"], FAST);
    await until(async () => (await leases()).length === 1);
    expect(await leases()).toEqual(["10.42.0.2"]);
  });

  test("without its own sandbox in the list nothing goes, and after a while that is a finding", async () => {
    await seenBefore();
    fake.sandboxes.clear();
    const agent = await kit.start(ON, FAST * 4);
    await until(() => agent.lines.some(({ finding }) => finding === "cni-unproven"));
    expect((await leases()).length).toBe(2);
    const ready = await (await fetch(`${agent.url}/readyz?verbose`)).text();
    expect(ready).toContain("no runtime lists a READY sandbox of the agent's own pod");
  });
});

describe("commands", () => {
  test("scan changes nothing and says what clean would do", async () => {
    await seenBefore();
    const { code, text } = await command("scan", [], [], {}, []);
    expect(text).toContain(
      `${NETWORK}/10.42.0.7 of sandbox ${DEAD.slice(0, 12)}: would-move: it was there before`,
    );
    expect([code, await leases(), (await caches()).length]).toEqual([0, ["10.42.0.2", "10.42.0.7"], 1]);
  });

  test("clean moves it, restore puts it back, byte by byte", async () => {
    await seenBefore();
    expect((await command("clean")).text).toContain("10.42.0.7 of sandbox");
    expect([await leases(), await caches()]).toEqual([["10.42.0.2"], []]);
    const { code, text } = await command("restore", [`${NETWORK}/10.42.0.7`]);
    expect([code, text]).toEqual([0, `restored ${NETWORK}/10.42.0.7`]);
    expect(await readFile(join(kit.folder, NETWORK, "10.42.0.7"), "latin1")).toBe(`${DEAD}\r\neth0`);
    expect((await command("restore", ["all"])).code).toBe(0);
    expect((await caches()).length).toBe(1);
    expect(await command("restore", ["/nowhere"])).toEqual({
      code: 1,
      text: "not restored /nowhere: it is not in quarantine",
    });
  });

  test("by hand, a lease of a running sandbox shows whose runtime it is", async () => {
    await seenBefore();
    const byHand = ["--by-hand=true"];
    await write(`${NETWORK}/10.42.0.2`, `${sandboxID(9)}\r\neth0`);
    expect((await command("clean", [], byHand, { POD_UID: "" })).text).toContain("mapping-unproven");
    expect((await leases()).length).toBe(2);
    await write(`${NETWORK}/10.42.0.2`, `${live}\r\neth0`);
    expect((await command("clean", [], byHand, { POD_UID: "" })).code).toBe(0);
    expect(await leases()).toEqual(["10.42.0.2"]);
  });

  test("no runtime is a failure, and so is no report", async () => {
    fake.close();
    const { code, text } = await command("scan");
    expect([code, text.includes("nothing is removed")]).toEqual([1, true]);
    expect(await command("report")).toMatchObject({ code: 1 });
    await write("/nodelatch/cni-report.json", "[]");
    expect((await command("report")).text).toContain("is no report; run scan instead");
  });

  test("switched off, clean does nothing and that is no failure", async () => {
    expect(await command("clean", [], [], {}, [])).toEqual({ code: 0, text: "CNI state: off" });
  });
});
