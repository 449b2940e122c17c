import { readlink } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import { codeOf } from "../../host/reason.ts";

/** Linux' own limit for links in one path. */
const MAX_LINKS = 40;

/**
 * Where a path of the host lies for this process, which sees the host's file system under `hostRoot` ("/" if it is the
 * same one). Links are followed by hand: /var/run is one to /run, which as an absolute path would lead out of the root.
 * What does not exist keeps its name.
 * @throws Error if there are too many links.
 */
export async function resolveHostPath(hostRoot: string, hostPath: string): Promise<string> {
  if (hostRoot === "/" || hostRoot === "") return hostPath;
  const waiting = partsOf(hostPath);
  let done: string[] = [];
  let links = 0;
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    if (part === "..") {
      // Never above the root.
      done.pop();
      continue;
    }
    const target = await linkTarget(join(hostRoot, ...done, part));
    if (target === undefined) {
      done.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`resolve ${hostPath}: more than ${MAX_LINKS} links`);
    if (isAbsolute(target)) done = [];
    waiting.unshift(...partsOf(target));
  }
  return join(hostRoot, ...done);
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

/** Undefined for what is no link, or is not there. */
async function linkTarget(path: string): Promise<string | undefined> {
  try {
    return await readlink(path);
  } catch (error) {
    const code = codeOf(error);
    if (code === "EINVAL" || code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
