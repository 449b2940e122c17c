import { say, show } from "../show.ts";
import type { DemoNode } from "./demo-node.ts";
import { nodeSteps } from "./story.ts";

/** The exit code. Whatever happens, the node is gone afterwards. */
export async function showNode(start: () => Promise<DemoNode>): Promise<number> {
  const node = await start();
  try {
    say(`\nThe agent after a power cut. ${node.about}`);
    return await show(nodeSteps(node));
  } finally {
    await node.close();
  }
}
