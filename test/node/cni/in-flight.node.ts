/** A pod that is just being made has an address and is in no list of CRI's: passes must leave it alone (case 5). */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { containerdLines } from "../../cluster/programs/containerd-lines.ts";
import { CniNode } from "./cni-node.ts";
import { RealAgent } from "./real-agent.ts";

const HANG = "holdadd 50";
const MOMENTS = 20;

describe.each(containerdLines)("containerd %s, while a CNI ADD hangs", (line) => {
  let node: CniNode;
  beforeAll(async () => {
    node = await CniNode.start({ line });
    await node.removePod(await node.runPod());
  });
  afterAll(async () => node?.stop());

  /** The pod that is being made, once it has an address, and that. */
  async function startPod() {
    node.control(HANG);
    let isMade = false;
    const making = node.runPod().finally(() => (isMade = true));
    // host-local makes the file and then writes it.
    await expect
      .poll(() => [...node.leases().values()], { timeout: 60_000 })
      .toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
    const [address = "", owner = ""] = [...node.leases()][0] ?? [];
    const end = async (): Promise<string> => {
      expect(isMade).toBe(false);
      node.control("");
      return making;
    };
    return { address, owner, end };
  }

  it("keeps its address through 20 passes, also of an agent for which ten minutes went by", async () => {
    const agent = new RealAgent(node);
    await agent.pass();
    const { address, owner, end } = await startPod();
    const seen: string[] = [];
    const shown = new Set<string>();
    for (let moment = 0; moment < MOMENTS; moment++) {
      agent.skipTenMinutes();
      const report = await agent.pass();
      const { sandboxes, otherIDs } = await agent.proven();
      shown.add(`CRI ${sandboxes.has(owner)}, containerd ${otherIDs.has(owner)}`);
      seen.push(`${address} ${node.leases().get(address) === owner} ${report.obstacle ?? "proven"}`);
    }
    const id = await end();
    expect([...shown]).toEqual(["CRI false, containerd true"]);
    expect([...new Set(seen)]).toEqual(["10.213.7.3 true proven"]);
    expect([...node.leases()]).toEqual([["10.213.7.3", id]]);
    expect((await agent.removal.quarantine.usage()).files).toBe(0);
    await node.removePod(id);
    expect([...node.leases()]).toEqual([]);
  });

  it("keeps it when the agent itself starts in the middle", async () => {
    const { end } = await startPod();
    const agent = new RealAgent(node);
    await agent.settledPass();
    const id = await end();
    expect([...node.leases().values()]).toEqual([id]);
    await node.removePod(id);
  });
});
