/** KubeEdge's TaskManager switch on this node, for the webhook's advice: without it prepull jobs do nothing here. */
import { readFile, stat } from "node:fs/promises";
import type { Switch } from "../prepull/facts.ts";
import { readEdgecore } from "../prepull/read-facts.ts";
import { resolveHostPath } from "./runtime/detect/host-path.ts";

const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Read each time: an edgecore takes its file anew whenever it is started. Never rejects.
 * @param paths of edgecore.yaml, as the node calls it; the first that is there counts
 * @returns undefined on a node without KubeEdge
 */
export async function readEdgeTaskManager(
  hostRoot: string,
  paths: readonly string[],
): Promise<Switch | undefined> {
  for (const hostPath of paths) {
    try {
      const path = await resolveHostPath(hostRoot, hostPath);
      const stats = await stat(path);
      if (!stats.isFile()) continue;
      if (stats.size > MAX_FILE_BYTES) return "unknown";
      return readEdgecore(await readFile(path, "utf8"));
    } catch {
      // Not there, or not to be read: runtimes/ complains about it where it matters.
    }
  }
  return undefined;
}
