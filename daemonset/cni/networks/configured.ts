/** What CNI configuration says of networks: which are the runtime's, and what their addresses are. */
import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { readText } from "../../host/files/read-text.ts";
import { codeOf, reasonOf } from "../../host/reason.ts";
import { parseConf, type NetworkConf } from "./conf.ts";
import { located } from "./located.ts";
import type { DiscoveryProblem } from "./network.ts";

export interface Configured {
  /** By network name. */
  readonly confs: ReadonlyMap<string, NetworkConf>;
  /** Networks of the conf that the runtime uses, each with the file that says so. */
  readonly owned: ReadonlyMap<string, string>;
  readonly problems: readonly DiscoveryProblem[];
}

interface File {
  readonly hostPath: string;
  readonly conf: NetworkConf;
}

/** podman keeps its networks in the same directory. A runtime without a conf of its own would take one of them. */
const PODMAN = /^(?:podman|cni-podman)/;

/** Directories that are not there are passed over. Never rejects. */
export async function readConfigured(hostRoot: string, confDirs: readonly string[]): Promise<Configured> {
  const confs = new Map<string, NetworkConf>();
  const owned = new Map<string, string>();
  const problems: DiscoveryProblem[] = [];
  for (const confDir of confDirs) {
    try {
      const files = await readFiles(hostRoot, confDir);
      for (const { conf } of files) for (const each of withDelegates(conf)) confs.set(each.name, each);
      // The first one by name that can be read, as containerd and CRI-O take it.
      const first = files.find(({ conf }) => !PODMAN.test(conf.name));
      if (first === undefined) continue;
      for (const name of namesOf(first.conf, files)) owned.set(name, first.hostPath);
    } catch (thrown) {
      if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR") continue;
      problems.push({ kind: "unreadable", hostPath: confDir, reason: reasonOf(thrown) });
    }
  }
  return { confs, owned, problems };
}

async function readFiles(hostRoot: string, confDir: string): Promise<readonly File[]> {
  const directory = await located(hostRoot, confDir);
  const names = (await readdir(directory)).filter((name) => /\.(?:conf|conflist|json)$/.test(name));
  const files: File[] = [];
  for (const name of names.toSorted()) {
    const hostPath = join(confDir, name);
    const read = await readText(await located(hostRoot, hostPath));
    const conf = read.kind === "text" ? parseConf(read.text) : undefined;
    if (conf !== undefined) files.push({ hostPath, conf });
  }
  return files;
}

function withDelegates(conf: NetworkConf): readonly NetworkConf[] {
  return [conf, ...conf.delegates.flatMap(withDelegates)];
}

/** multus names the network that it stands before by its name or its file. */
function namesOf(conf: NetworkConf, files: readonly File[]): readonly string[] {
  return withDelegates(conf).flatMap(({ name, delegateNames }) => [
    name,
    ...delegateNames.flatMap((wanted) => {
      const file = files.find(
        (each) => each.conf.name === wanted || basename(each.hostPath) === basename(wanted),
      );
      return file === undefined ? [] : withDelegates(file.conf).map((each) => each.name);
    }),
  ]);
}
