/** Looks up which runtime this node's kubelet (or KubeEdge's edged) was told to use. */
import { readFile, stat } from "node:fs/promises";
import { codeOf } from "../../host/reason.ts";
import { wordsOf } from "../in-words.ts";
import { resolveHostPath } from "./host-path.ts";
import {
  endpointInEdgecoreConfig,
  endpointInKubeletConfig,
  endpointInKubeletFlags,
  type FileEndpoint,
} from "./kubelet-files.ts";

/** Paths as the host calls them. */
export interface KubeletFiles {
  /** Files of flags, which win over the configuration: kubeadm's kubeadm-flags.env. */
  readonly flags: readonly string[];
  readonly configs: readonly string[];
  readonly edgecoreConfigs: readonly string[];
}

export const defaultKubeletFiles: KubeletFiles = {
  flags: ["/var/lib/kubelet/kubeadm-flags.env"],
  configs: ["/var/lib/kubelet/config.yaml"],
  edgecoreConfigs: ["/etc/kubeedge/config/edgecore.yaml"],
};

export interface KubeletFinding {
  /** Every endpoint that a file names, each once. More than one means that the files contradict each other. */
  readonly found: readonly { readonly hostPath: string; readonly file: string }[];
  /** Files that are there but of no use, and why. */
  readonly complaints: readonly string[];
}

const MAX_FILE_BYTES = 1024 * 1024;

/** Never rejects: a file that can't be read is a complaint. */
export async function findKubeletEndpoint(hostRoot: string, files: KubeletFiles): Promise<KubeletFinding> {
  const complaints: string[] = [];
  const read = async (
    paths: readonly string[],
    parse: (text: string) => FileEndpoint,
  ): Promise<KubeletFinding["found"]> => {
    const found: { hostPath: string; file: string }[] = [];
    for (const file of paths) {
      const endpoint = await endpointIn(hostRoot, file, parse);
      if (endpoint.kind === "socket") found.push({ hostPath: endpoint.hostPath, file });
      if (endpoint.kind === "invalid") complaints.push(`${file}: ${endpoint.message}`);
    }
    return found;
  };
  const flags = await read(files.flags, endpointInKubeletFlags);
  const configs = flags.length > 0 ? flags : await read(files.configs, endpointInKubeletConfig);
  const edgecore = await read(files.edgecoreConfigs, endpointInEdgecoreConfig);
  const each = new Map([...configs, ...edgecore].toReversed().map((one) => [one.hostPath, one]));
  return { found: [...each.values()].toReversed(), complaints };
}

async function endpointIn(
  hostRoot: string,
  file: string,
  parse: (text: string) => FileEndpoint,
): Promise<FileEndpoint> {
  try {
    const path = await resolveHostPath(hostRoot, file);
    const { size, isFile } = await stat(path).then((stats) => ({ size: stats.size, isFile: stats.isFile() }));
    if (!isFile) return { kind: "invalid", message: "not a regular file" };
    if (size > MAX_FILE_BYTES) return { kind: "invalid", message: `larger than ${MAX_FILE_BYTES} bytes` };
    return parse(await readFile(path, "utf8"));
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "none" };
    return { kind: "invalid", message: wordsOf(error) };
  }
}
