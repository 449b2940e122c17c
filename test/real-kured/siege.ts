/** Strangers who try to get the node back each second, in every shape that a request has. */
import { setTimeout as delay } from "node:timers/promises";
import { Adversary, ATTACKS } from "../kured/adversary.ts";
import type { Attack } from "../scenarios/refused.ts";
import { bob, clusterAdmin } from "../scenarios/world.ts";
import { NODE, type Stand } from "./stand.ts";

const ROUND_MILLIS = 1_000;

const apply: Attack = (to, name, as) =>
  to.send({
    as,
    method: "PATCH",
    path: `/api/v1/nodes/${name}?fieldManager=${as.user}&force=true`,
    contentType: "application/apply-patch+yaml",
    body: { apiVersion: "v1", kind: "Node", metadata: { name }, spec: { unschedulable: false } },
  });

/** Goes on until the function is called that comes back. */
export function besiege(stand: Stand): () => Promise<Adversary> {
  const attacks = [...ATTACKS, ["server-side apply", apply] as const];
  const adversary = new Adversary(stand.admin.send, NODE, [bob, clusterAdmin], attacks);
  const peace = new AbortController();
  const siege = async (): Promise<void> => {
    while (!peace.signal.aborted) {
      const next = delay(ROUND_MILLIS);
      await adversary.round();
      await next;
    }
  };
  const ended = siege();
  return async () => {
    peace.abort();
    await ended;
    return adversary;
  };
}
