/** What kubelet's and edgecore's files say about the runtime endpoint. Pure. */
import { parse } from "yaml";
import { wordsOf } from "../in-words.ts";
import { dockerSocket, parseEndpoint, type ParsedEndpoint } from "./endpoint.ts";

/** `none`: the file does not set it. */
export type FileEndpoint = ParsedEndpoint | { readonly kind: "none" };

/** Kubelet's KubeletConfiguration, YAML or JSON. */
export function endpointInKubeletConfig(text: string): FileEndpoint {
  return inYaml(text, [["containerRuntimeEndpoint"]]);
}

/** edgecore.yaml; the second path is that of KubeEdge before it took kubelet's own configuration. */
export function endpointInEdgecoreConfig(text: string): FileEndpoint {
  return inYaml(text, [
    ["modules", "edged", "tailoredKubeletConfig", "containerRuntimeEndpoint"],
    ["modules", "edged", "remoteRuntimeEndpoint"],
  ]);
}

/** A file of kubelet's flags, such as kubeadm's /var/lib/kubelet/kubeadm-flags.env. The last flag holds. */
export function endpointInKubeletFlags(text: string): FileEndpoint {
  const flags = text.matchAll(/--container-runtime-endpoint[= ]["']?([^\s"']+)/g);
  const last = [...flags].at(-1)?.[1];
  return last === undefined ? { kind: "none" } : socketOf(last);
}

function inYaml(text: string, paths: readonly (readonly string[])[]): FileEndpoint {
  let root: unknown;
  try {
    root = parse(text);
  } catch (error) {
    return { kind: "invalid", message: `not YAML: ${wordsOf(error)}` };
  }
  for (const path of paths) {
    const value = path.reduce<unknown>(child, root);
    if (value === undefined || value === null || value === "") continue;
    if (typeof value === "string") return socketOf(value);
    return { kind: "invalid", message: `${path.join(".")} is no text` };
  }
  return { kind: "none" };
}

function child(parent: unknown, key: string): unknown {
  if (typeof parent !== "object" || parent === null || Array.isArray(parent)) return undefined;
  return Object.entries(parent).find(([name]) => name === key)?.[1];
}

/** dockershim was a server within kubelet itself; behind it is Docker. */
function socketOf(endpoint: string): ParsedEndpoint {
  const parsed = parseEndpoint(endpoint);
  const isDockershim = parsed.kind === "socket" && parsed.hostPath.endsWith("/dockershim.sock");
  return isDockershim ? { kind: "socket", hostPath: dockerSocket } : parsed;
}
