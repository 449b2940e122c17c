/** A reboot by kured, which knows nothing of Nodelatch: these are the writes that it sends to every cluster. */
import type { ApiAnswer, ApiClient, Identity } from "../test/scenarios/api-client.ts";
import { fields, LOCK, messageOf, STRATEGIC } from "../test/scenarios/nodes.ts";
import type { Outcome, Step } from "./steps.ts";

export const KURED = "system:serviceaccount:kube-system:kured";

/** @param bob somebody else who may write nodes */
export function kuredSteps(client: ApiClient, bob: Identity, node: string): readonly Step[] {
  // Its pod's token says on which node it runs; rights enough for a cluster that does not know kured.
  const kured: Identity = { user: KURED, groups: ["system:masters", "system:authenticated"], node };
  const patch = (as: Identity, body: unknown): Promise<ApiAnswer> =>
    client.send({ as, method: "PATCH", path: `/api/v1/nodes/${node}`, contentType: STRATEGIC, body });
  const step = (
    title: string,
    as: Identity,
    command: string,
    body: unknown,
    judge: (answer: ApiAnswer) => Outcome,
  ): Step => ({ title, who: as.user, command, run: async () => judge(await patch(as, body)) });

  return [
    step(
      "kured's turn, on the node next door: it cordons, and the lock comes in the same write",
      kured,
      `PATCH /api/v1/nodes/${node} {"spec":{"unschedulable":true}}`,
      { spec: { unschedulable: true } },
      (answer) => ({
        good: answer.status === 200 && lockOf(answer)?.includes(`"holder":"${KURED}"`) === true,
        lines: [`stored: ${lockOf(answer) ?? messageOf(answer)}`],
      }),
    ),
    step(
      "while it waits for its reboot delay to pass, bob uncordons. kured would not notice",
      bob,
      `kubectl uncordon ${node}`,
      { spec: { unschedulable: null } },
      (answer) => ({
        good: answer.status === 403 && messageOf(answer).includes("(cordoned by kured)"),
        lines: [`error: ${messageOf(answer)}`],
      }),
    ),
    step(
      "back from the reboot, kured uncordons; the lock goes in the same write",
      kured,
      `PATCH /api/v1/nodes/${node} {"spec":{"unschedulable":null}}`,
      { spec: { unschedulable: null } },
      (answer) => ({
        good:
          answer.status === 200 &&
          lockOf(answer) === undefined &&
          fields(fields(answer.body)["spec"])["unschedulable"] !== true,
        lines: [answer.status === 200 ? `uncordoned, lock: ${lockOf(answer) ?? "none"}` : messageOf(answer)],
      }),
    ),
  ];
}

function lockOf(answer: ApiAnswer): string | undefined {
  const lock = fields(fields(fields(answer.body)["metadata"])["annotations"])[LOCK];
  return typeof lock === "string" ? lock : undefined;
}
