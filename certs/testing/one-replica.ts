/** A replica that runs alone, and what one asks of it. */
import { SimulatedCluster, type Replica } from "./simulated-cluster.ts";

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const VALIDATING = "ValidatingWebhookConfiguration nodelatch";

export async function running(): Promise<{ cluster: SimulatedCluster; replica: Replica }> {
  const cluster = new SimulatedCluster(3);
  cluster.addConfigurations();
  const replica = cluster.start();
  await cluster.pass(MINUTE);
  return { cluster, replica };
}

export function serial({ keeper }: Replica): string {
  return keeper.current()?.serial ?? "none";
}

export function healthOf({ keeper }: Replica, name: string): { ok: boolean; detail: string } {
  const { ok, detail } = keeper.health().find((check) => check.name === name) ?? {
    ok: false,
    detail: "absent",
  };
  return { ok, detail };
}

export function isSound(cluster: SimulatedCluster): boolean {
  return cluster.served().size === 1 && cluster.served().has(cluster.signing());
}

/** Lines at warn and above, as `message reason-or-error`. */
export function complaints(cluster: SimulatedCluster): readonly string[] {
  return cluster.logged.map((line) => JSON.parse(line) as unknown).flatMap(complaintOf);
}

function complaintOf(line: unknown): readonly string[] {
  if (typeof line !== "object" || line === null || !("level" in line) || !("msg" in line)) return [];
  if (typeof line.level !== "number" || line.level < 40 || typeof line.msg !== "string") return [];
  return [`${line.msg}: ${"reason" in line && typeof line.reason === "string" ? line.reason : ""}`];
}
