/** Cases 1 to 9 and 36 to 37: whose a lease is, and what the runtime says or fails to say (facts/cni-state.md 6). */
import { status } from "@grpc/grpc-js";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openCri } from "../../../daemonset/runtime/cri.ts";
import type { CurrentRuntime } from "../../../daemonset/runtime/detect/watch.ts";
import { startFakeContainerd } from "../../../daemonset/runtime/testing/fake-containerd.ts";
import { Refusal } from "../../../daemonset/runtime/testing/grpc-server.ts";
import { somePod } from "../../../daemonset/runtime/testing/cri-scenarios.ts";
import { movedIn, networkOf, staleBeside, useCases } from "./case-kit.ts";
import { expectPluginWorks, newID, orphan } from "./host-local.ts";
import { never, RealAgent } from "./real-agent.ts";

const { node, agent, livePod } = useCases();
const PODS = "/var/lib/cni/networks/pods";
/** A second network, with a range of its own: an address that is configured anywhere would stay. */
const NET1 = { network: "net1", ifname: "net1", subnets: ["10.213.8.0/24"] } as const;

/** Another runtime of the same node, in memory. */
async function withSecondRuntime<T>(
  use: (second: CurrentRuntime, fake: Awaited<ReturnType<typeof startFakeContainerd>>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-second-"));
  const socketPath = join(folder, "c.sock");
  const fake = await startFakeContainerd({ socketPath, name: "docker" });
  const runtime = openCri({ socketPath, hostPath: "/run/cri-dockerd.sock", callMillis: 20_000 });
  try {
    const shape = {
      hostPath: "/run/cri-dockerd.sock",
      name: "docker",
      version: "27",
      answers: true,
    } as const;
    const { connection } = runtime;
    return await use({ ...shape, runtime, kubelets: "unknown", connection }, fake);
  } finally {
    runtime.close();
    fake.close();
    await rm(folder, { recursive: true });
  }
}

describe("owners", () => {
  it("case 1: dual stack, both families of one id go in one hold of the lock; the last reserved addresses stay", async () => {
    const subnets = ["10.213.7.0/24", "fd00:213:7::/64"];
    const gone = await orphan(node(), { subnets });
    expect(gone).toHaveLength(2);
    expect(movedIn(await agent().settledPass()).toSorted()).toEqual(
      gone.map((name) => `${PODS}/${name}`).toSorted(),
    );
    expect(agent().heldMillis).toHaveLength(1);
    expect([node().has("last_reserved_ip.0"), node().has("last_reserved_ip.1")]).toEqual([true, true]);
    await expectPluginWorks(node(), { subnets });
  });

  it("case 2: the same sandbox in several networks is judged by its id, one lock after the other", async () => {
    const id = newID();
    const settings = { networks: ["net1"] };
    const both = new RealAgent(node(), { settings });
    const [first] = await orphan(node(), { id });
    const [second] = await orphan(node(), { id, ...NET1 });
    // Live in the second network too: its first interface's id is what counts.
    const [kept] = await orphan(node(), { id: livePod(), ...NET1 });
    expect(movedIn(await both.settledPass()).toSorted()).toEqual([
      `/var/lib/cni/networks/net1/${second}`,
      `${PODS}/${first}`,
    ]);
    expect(node().has(kept ?? "", node().at("/var/lib/cni/networks/net1"))).toBe(true);
    expect(both.heldMillis).toHaveLength(2);
    await expectPluginWorks(node(), NET1);
    await node().run("rm", "-r", "/var/lib/cni/networks/net1");
  });

  it("case 3: one address in two networks is two reservations, each judged for itself", async () => {
    const [address = ""] = await orphan(node());
    const net1 = node().at("/var/lib/cni/networks/net1");
    node().lease(address, `${livePod()}\r\nnet1`, net1);
    await new RealAgent(node(), { settings: { networks: ["net1"] } }).settledPass();
    expect([node().has(address), node().has(address, net1)]).toEqual([false, true]);
    await node().run("rm", "-r", "/var/lib/cni/networks/net1");
    await expectPluginWorks(node());
  });

  it("case 4: a READY sandbox keeps its lease, and so does one that is NOTREADY", async () => {
    const pauses = async () => (await node().run("pgrep", "-f", "^/bin/sleep 3600")).trim().split("\n");
    const others = await pauses();
    const own = async () => (await pauses()).filter((pid) => !others.includes(pid));
    const id = await node().runPod(somePod());
    const address = node().addressOf(id);
    // runc has let it go, and it may not be that program yet.
    await expect.poll(own).toHaveLength(1);
    // Its pause process ends by itself: NOTREADY, and nobody has called DEL.
    await node().run("kill", "-9", ...(await own()));
    await expect
      .poll(async () => (await agent().proven()).sandboxes.get(id)?.state, { timeout: 60_000 })
      .toBe("not-ready");
    const stale = await staleBeside(node());
    const report = await agent().settledPass();
    expect(movedIn(report)).toEqual([`${PODS}/${stale}`]);
    expect(networkOf(report).after).toMatchObject({ live: 1, ended: 1, stale: 0 });
    // Kubelet's StopPodSandbox releases it, which is the runtime's way.
    expect(node().has(address)).toBe(true);
    await node().removePod(id);
    expect(node().has(address)).toBe(false);
  });

  it("case 6: a pod that starts between the lists and the move is not touched, whatever was listed before", async () => {
    const stale = await staleBeside(node());
    await agent().pass();
    agent().skipTenMinutes();
    const starting = Promise.all([node().runPod(), node().runPod(), node().runPod()]);
    const report = await agent().pass();
    const ids = await starting;
    await agent().settledPass();
    expect(movedIn(report)).toEqual([`${PODS}/${stale}`]);
    for (const id of ids) {
      expect(node().leases().get(node().addressOf(id))).toBe(id);
      await node().removePod(id);
    }
  });

  it("case 7: while the runtime does not answer nothing goes, and the next pass works", async () => {
    const stale = await staleBeside(node());
    await agent().pass();
    agent().skipTenMinutes();
    await node().containerd.killDaemon(async () => {
      const report = await agent().pass();
      expect(report.obstacle).toMatch(/^containerd at .* does not tell what is alive/);
      expect(movedIn(report)).toEqual([]);
    });
    await expect.poll(async () => (await agent().prove(never)).kind, { timeout: 60_000 }).toBe("proven");
    expect(movedIn(await agent().pass())).toEqual([`${PODS}/${stale}`]);
    await expectPluginWorks(node());
  });

  it("case 8: an empty list of a wrong runtime frees nothing", async () => {
    const stale = await staleBeside(node());
    await withSecondRuntime(async ({ runtime }) => {
      const wrong = new RealAgent(node());
      const before = node().runtime;
      Object.assign(node(), { runtime });
      const onlyWrong = new RealAgent(node());
      Object.assign(node(), { runtime: before });
      for (const one of [onlyWrong]) {
        const report = await one.settledPass();
        expect(report.obstacle).toContain("it is not kubelet's");
      }
      expect([...node().leases().keys()].toSorted()).toEqual([node().addressOf(livePod()), stale].toSorted());
      expect((await wrong.proven()).sandboxes.has(livePod())).toBe(true);
    });
  });

  it("case 9: of several runtimes one that fails keeps everything; what the second lists is alive", async () => {
    const stale = await staleBeside(node());
    await withSecondRuntime(async (second, fake) => {
      const id = newID();
      const [address = ""] = await orphan(node(), { id });
      fake.sandboxes.set(id, { id, config: { metadata: {} }, createdAtNanos: 1n, state: 0 });
      const both = new RealAgent(node(), { more: [second] });
      fake.override("ListPodSandbox", async () =>
        Promise.reject(new Refusal(status.UNAVAILABLE, "shutting down")),
      );
      expect(movedIn(await both.settledPass())).toEqual([]);
      fake.override("ListPodSandbox", undefined);
      expect(movedIn(await both.settledPass())).toEqual([`${PODS}/${stale}`]);
      expect(node().has(address)).toBe(true);
    });
  });

  it("case 36: a pod in the node's own network has no lease, and counts for nothing", async () => {
    const pod = somePod();
    const id = await node().driver.runSandbox(pod, 0);
    const stale = await staleBeside(node());
    expect(movedIn(await agent().settledPass())).toEqual([`${PODS}/${stale}`]);
    await node().removePod(id);
  });

  it("case 37: the agent's own pod is in the list and has no lease", async () => {
    const { sandboxes, ownedBy } = await agent().proven();
    const own = [...sandboxes.values()].find(({ pod }) => pod?.uid === node().agentPod.uid);
    expect([own?.state, ownedBy]).toEqual(["ready", "own-pod"]);
    expect([...node().leases().values()]).not.toContain(own?.id);
  });
});
