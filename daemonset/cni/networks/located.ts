/** Where paths of the node are for this process. */
import { realpath } from "node:fs/promises";
import { codeOf } from "../../host/reason.ts";
import { resolveHostPath } from "../../runtime/detect/host-path.ts";

/**
 * With all links followed within the node's root; what does not exist keeps its name. Not `realpath` where the root is
 * `/proc/1/root`: that is a link to `/` itself.
 * @throws Error if there are too many links, or a directory on the way may not be read
 */
export async function located(hostRoot: string, hostPath: string): Promise<string> {
  if (hostRoot !== "/" && hostRoot !== "") return resolveHostPath(hostRoot, hostPath);
  try {
    return await realpath(hostPath);
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT") return hostPath;
    throw thrown;
  }
}
