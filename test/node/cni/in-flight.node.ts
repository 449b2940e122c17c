/** A pod that is just being made has an address and is in no list of CRI's: passes must leave it alone (case 5). */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import { CniNode } from "./cni-node.ts";
import { RealAgent } from "./real-agent.ts";

const SLOW_SECONDS = 6;
const MOMENTS = 20;

describe.each(containerdLines)("containerd %s, while a CNI ADD takes 6 s", (line) => {
  let node: CniNode;
  beforeAll(async () => {
    node = await CniNode.start({ line });
    await node.removePod(await node.runPod());
  });
  afterAll(async () => node?.stop());

  it("keeps its address through 20 passes, also of an agent for which ten minutes went by", async () => {
    const agent = new RealAgent(node);
    await agent.pass();
    node.control(`sleepadd ${SLOW_SECONDS}`);
    const before = performance.now();
    const made = new AbortController();
    const making = node.runPod().finally(() => made.abort());
    const seen: string[] = [];
    const shown = new Set<string>();
    for (let moment = 0; moment < MOMENTS && !made.signal.aborted; moment++) {
      const [address, owner = ""] = [...node.leases()][0] ?? [];
      agent.skipTenMinutes();
      const report = await agent.pass();
      if (address !== undefined) {
        const { sandboxes, otherIDs } = await agent.proven();
        shown.add(`CRI ${sandboxes.has(owner)}, containerd ${otherIDs.has(owner)}`);
        seen.push(`${address} ${node.leases().get(address) === owner} ${report.obstacle ?? "proven"}`);
      }
      await sleep(
        Math.max(0, (moment + 1) * ((SLOW_SECONDS * 900) / MOMENTS) - (performance.now() - before)),
      );
    }
    const id = await making;
    node.control("");
    expect(performance.now() - before).toBeGreaterThan(SLOW_SECONDS * 1_000);
    expect([...shown]).toEqual(["CRI false, containerd true"]);
    expect(seen.length).toBeGreaterThan(10);
    expect([...new Set(seen)]).toEqual(["10.213.7.3 true proven"]);
    expect([...node.leases()]).toEqual([["10.213.7.3", id]]);
    expect((await agent.removal.quarantine.usage()).files).toBe(0);
    await node.removePod(id);
    expect([...node.leases()]).toEqual([]);
  });

  it("keeps it when the agent itself starts in the middle", async () => {
    node.control("sleepadd 2");
    const making = node.runPod();
    await expect.poll(() => node.leases().size, { timeout: 10_000 }).toBe(1);
    const agent = new RealAgent(node);
    await agent.settledPass();
    const id = await making;
    node.control("");
    expect([...node.leases().values()]).toEqual([id]);
    await node.removePod(id);
  });
});
