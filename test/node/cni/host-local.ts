/** The real plugin, asked as a runtime asks it. */
import { randomBytes } from "node:crypto";
import { run } from "../../cluster/process/run.ts";
import { textAt, valueAt } from "../../../daemonset/runtime/testing/shape.ts";
import { NETWORK, SUBNET, type CniNode } from "./cni-node.ts";

export interface Call {
  readonly command: "ADD" | "DEL" | "CHECK";
  readonly id: string;
  readonly ifname?: string;
  readonly network?: string;
  /** One for each range set. Defaults to the pods' own. */
  readonly subnets?: readonly string[];
  /** As the node calls it. */
  readonly dataDir?: string;
}

export type Answer =
  | { readonly kind: "ok"; readonly addresses: readonly string[] }
  | { readonly kind: "refused"; readonly message: string };

export const newID = (): string => randomBytes(32).toString("hex");

export async function hostLocal(node: CniNode, call: Call): Promise<Answer> {
  const { command, id, ifname = "eth0", network = NETWORK, dataDir } = call;
  // Of another network's range no pod here has an address: one that is configured anywhere would stay.
  const subnets = call.subnets ?? [network === NETWORK ? SUBNET : "10.213.8.0/24"];
  const ranges = subnets.map((subnet) => [{ subnet }]);
  const ipam = { type: "host-local", ranges, ...(dataDir === undefined ? {} : { dataDir }) };
  const env = [
    `CNI_COMMAND=${command}`,
    `CNI_CONTAINERID=${id}`,
    "CNI_NETNS=/run/netns/none",
    `CNI_IFNAME=${ifname}`,
    "CNI_PATH=/usr/lib/cni",
  ];
  const [program, ...args] = await node.containerd.inside(["env", ...env, "/usr/lib/cni/host-local"]);
  const input = JSON.stringify({ cniVersion: "0.4.0", name: network, ipam });
  const { code, stdout } = await run([program, ...args], { timeoutMillis: 30_000, input });
  const said: unknown = stdout === "" ? {} : JSON.parse(stdout);
  if (code !== 0) return { kind: "refused", message: textAt(said, "msg") };
  const ips = valueAt(said, "ips");
  const addresses = Array.isArray(ips)
    ? ips.map((ip: unknown) => textAt(ip, "address").split("/")[0] ?? "")
    : [];
  return { kind: "ok", addresses };
}

/** A reservation of a sandbox that nobody knows, made by the plugin itself; gives its addresses. */
export async function orphan(node: CniNode, call: Partial<Call> = {}): Promise<readonly string[]> {
  const answer = await hostLocal(node, { id: newID(), ...call, command: "ADD" });
  if (answer.kind === "ok") return answer.addresses;
  throw new Error(answer.message);
}

/** Whether the plugin still gives addresses out and takes them back. @throws Error if not */
export async function expectPluginWorks(node: CniNode, call: Partial<Call> = {}): Promise<void> {
  const id = newID();
  const [address] = await orphan(node, { ...call, id });
  const there = await hostLocal(node, { ...call, id, command: "CHECK" });
  const gone = await hostLocal(node, { ...call, id, command: "DEL" });
  const after = await hostLocal(node, { ...call, id, command: "CHECK" });
  const ends = [there.kind, gone.kind, after.kind].join(", ");
  if (address === undefined || ends !== "ok, ok, refused")
    throw new Error(`ADD ${address}, CHECK and DEL: ${ends}`);
}
