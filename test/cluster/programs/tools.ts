import { fileURLToPath } from "node:url";
import { homedir } from "node:os";
import { cacheFolder } from "./cache-folder.ts";
import { ensurePrograms, type Programs } from "./build.ts";
import { clusterParts, ensurePackages } from "./packages.ts";

export interface ToolsContext {
  readonly log: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Everything a real cluster is made of, found or fetched: Go-built programs and Debian packages.
 * Throws a sentence naming the first part that can't be had; nothing is left out silently.
 */
export async function ensureTools(context: ToolsContext): Promise<Programs> {
  if (process.platform !== "linux") {
    throw new Error(`a real Kubernetes node needs Linux; this is ${process.platform}`);
  }
  if (process.geteuid?.() !== 0) {
    throw new Error("a real Kubernetes node needs root (namespaces, mounts, cgroups): run this as root");
  }
  await ensurePackages({ ...context, needer: "the test cluster", parts: clusterParts });
  return ensurePrograms({
    cacheFolder: cacheFolder(process.env, homedir()),
    modulesFolder: fileURLToPath(new URL(".", import.meta.url)),
    ...context,
  });
}
