/** What the tests of single cases share: a node with one pod that lives throughout, and an agent that knows it. */
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { CniReport, NetworkReport } from "../../../daemonset/cni/report/report.ts";
import { CniNode, NETWORK } from "./cni-node.ts";
import { orphan } from "./host-local.ts";
import { RealAgent } from "./real-agent.ts";

export interface Cases {
  readonly node: () => CniNode;
  /** A process of the agent that is new to each test. */
  readonly agent: () => RealAgent;
  readonly livePod: () => string;
}

/** Calls vitest's hooks: once for each file. */
export function useCases(): Cases {
  let node: CniNode | undefined;
  let agent: RealAgent | undefined;
  let livePod = "";
  const of = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("the node has not been started");
    return value;
  };
  beforeAll(async () => {
    node = await CniNode.start();
    livePod = await node.runPod();
  });
  beforeEach(async () => {
    agent = new RealAgent(of(node));
    // What the test before left, whatever it is.
    const own = of(node).addressOf(livePod);
    const rest = `cd /var/lib/cni/networks/${NETWORK} && ls -A | grep -vxE 'lock|last_reserved_ip\\.[01]|${own}' | xargs -r rm -rf`;
    await of(node).run("sh", "-c", `${rest}; rm -rf /var/lib/nodelatch`);
  });
  afterAll(async () => node?.stop());
  return { node: () => of(node), agent: () => of(agent), livePod: () => livePod };
}

export function networkOf(report: CniReport, name = NETWORK): NetworkReport {
  const found = report.networks.find((network) => network.name === name);
  if (found === undefined)
    throw new Error(`no network ${name} in ${report.networks.map((one) => one.name).join()}`);
  return found;
}

/** What was moved, by the node's names. */
export function movedIn({ networks, caches }: CniReport): readonly string[] {
  const lines = [...networks.flatMap(({ removals }) => removals), ...caches.removals];
  return lines.filter(({ outcome }) => outcome === "moved").map(({ path }) => path);
}

/** A stale lease beside whatever a case is about: that it goes shows that the pass did its work. */
export async function staleBeside(node: CniNode): Promise<string> {
  const [address = ""] = await orphan(node);
  return address;
}
