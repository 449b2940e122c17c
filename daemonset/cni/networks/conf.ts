/** CNI configuration: lists, single plugins, and what multus wraps. Pure. */
import { isObject, textAt, type JsonObject } from "../../../kube/json.ts";
import { poolsOf, type Pools } from "./pool.ts";

export interface NetworkConf {
  /** The network's name, which is also that of its directory. */
  readonly name: string;
  readonly ipam: readonly IpamConf[];
  readonly isFlannel: boolean;
  /** Networks that this one hands over to: confs within it, and names or files of others (multus). */
  readonly delegates: readonly NetworkConf[];
  readonly delegateNames: readonly string[];
}

export interface IpamConf {
  readonly type: string;
  /** As the node calls it; undefined: the default. */
  readonly dataDir: string | undefined;
  readonly pools: Pools;
}

/** Undefined for what is no CNI configuration; the runtime passes over such a file as well. */
export function parseConf(text: string): NetworkConf | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  return confOf(value);
}

/** multus' own nesting is one deep. */
const DEEPEST = 3;

function confOf(value: unknown, depth = 0): NetworkConf | undefined {
  const name = textAt(value, "name");
  if (!isObject(value) || name === undefined || !isNetworkName(name) || depth > DEEPEST) return undefined;
  const plugins = Array.isArray(value["plugins"]) ? value["plugins"].filter(isObject) : [value];
  if (!plugins.every((plugin) => textAt(plugin, "type") !== undefined)) return undefined;
  const nested = plugins.flatMap((plugin) => listAt(plugin, "delegates"));
  return {
    name,
    ipam: plugins.flatMap(ipamOf),
    isFlannel: plugins.some((plugin) => textAt(plugin, "type") === "flannel"),
    delegates: nested.flatMap((each) => confOf(each, depth + 1) ?? []),
    delegateNames: plugins.flatMap((plugin) => [
      ...(textAt(plugin, "clusterNetwork") === undefined ? [] : [textAt(plugin, "clusterNetwork") ?? ""]),
      ...listAt(plugin, "defaultNetworks").filter((each) => typeof each === "string"),
    ]),
  };
}

/** flannel hands its `delegate` on to the bridge plugin. */
function ipamOf(plugin: JsonObject): readonly IpamConf[] {
  return [plugin["ipam"], isObject(plugin["delegate"]) ? plugin["delegate"]["ipam"] : undefined]
    .filter(isObject)
    .map((ipam) => ({
      type: textAt(ipam, "type") ?? "",
      dataDir: textAt(ipam, "dataDir"),
      pools: poolsOf(ipam),
    }));
}

function listAt(value: JsonObject, key: string): readonly unknown[] {
  const list = value[key];
  return Array.isArray(list) ? list : [];
}

/** As libcni checks it, which also keeps it from being a path. */
export function isNetworkName(name: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name);
}
