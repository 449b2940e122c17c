/** libcni's cache of results: names and contents (facts/cni-state.md 3). Pure. */
import { isObject, objectAt, textAt } from "../../../kube/json.ts";
import { parseConf, type NetworkConf } from "./conf.ts";

/** What a file's name says. Network and interface may hold dashes themselves, so the id is what it is found by. */
export interface CacheName {
  readonly network: string;
  readonly id: string;
}

export function parseCacheName(name: string): CacheName | undefined {
  const [, network, id] = /^(.+)-([0-9a-f]{64})-[^/]{1,15}$/.exec(name) ?? [];
  return network === undefined || id === undefined ? undefined : { network, id };
}

export type CacheContent =
  /** No JSON object: empty, zeros or cut short. */
  | { readonly kind: "corrupt" }
  /** A bare result, as before libcni 0.8: it names nobody. */
  | { readonly kind: "nameless" }
  | {
      readonly kind: "entry";
      readonly id: string;
      readonly network: string;
      /** Its owner was a pod: it carries the arguments that only CRI runtimes give. */
      readonly isPod: boolean;
      readonly addresses: readonly string[];
      /** The network's configuration at that time, in base64. */
      readonly config: string | undefined;
    };

/** @param content its bytes, one character each (latin1) */
export function parseCache(content: string): CacheContent {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(content, "latin1").toString("utf8"));
  } catch {
    return { kind: "corrupt" };
  }
  if (!isObject(value)) return { kind: "corrupt" };
  const id = textAt(value, "containerId");
  const network = textAt(value, "networkName");
  if (value["kind"] !== "cniCacheV1" || id === undefined || network === undefined)
    return { kind: "nameless" };
  return {
    kind: "entry",
    id,
    network,
    isPod: hasPodArguments(value["cniArgs"]),
    addresses: addressesOf(objectAt(value, "result")),
    config: textAt(value, "config"),
  };
}

/** Apart, as few entries' configuration is wanted and it is most of an entry. */
export function confOfCache(config: string | undefined): NetworkConf | undefined {
  return config === undefined ? undefined : parseConf(Buffer.from(config, "base64").toString("utf8"));
}

function hasPodArguments(cniArgs: unknown): boolean {
  if (!Array.isArray(cniArgs)) return false;
  const keys = new Set(cniArgs.map((pair: unknown): unknown => (Array.isArray(pair) ? pair[0] : undefined)));
  return keys.has("K8S_POD_NAME") && keys.has("K8S_POD_INFRA_CONTAINER_ID");
}

function addressesOf(result: unknown): readonly string[] {
  const ips = isObject(result) && Array.isArray(result["ips"]) ? result["ips"] : [];
  return ips.flatMap((ip: unknown) => textAt(ip, "address")?.split("/")[0] ?? []);
}
