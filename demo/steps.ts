/** What the demo shows, step by step: each says what a person would type, sends just that, and checks the outcome. */
import { setTimeout as sleep } from "node:timers/promises";
import type { ApiAnswer, ApiClient, Identity } from "../test/scenarios/api-client.ts";
import {
  fields,
  LAST_OVERRIDE,
  LOCK,
  messageOf,
  nodeInfo,
  OVERRIDE,
  STRATEGIC,
} from "../test/scenarios/nodes.ts";
import { kuredSteps } from "./kured-steps.ts";

export interface Step {
  readonly title: string;
  readonly who: string;
  /** As one would type it. */
  readonly command: string;
  readonly run: () => Promise<Outcome>;
}

/** What came back, in words, and whether it is what Nodelatch promises. */
export interface Outcome {
  readonly good: boolean;
  readonly lines: readonly string[];
}

export interface Cast {
  readonly alice: Identity;
  readonly bob: Identity;
  readonly carol: Identity;
}

const UNCORDON = { spec: { unschedulable: null } };

/** The nodes are `first` and `second`; both are made by `makeNodes`. */
export function steps(
  client: ApiClient,
  { alice, bob, carol }: Cast,
  first: string,
  second: string,
): readonly Step[] {
  const patch = (node: string, as: Identity, body: unknown): Promise<ApiAnswer> =>
    client.send({ as, method: "PATCH", path: `/api/v1/nodes/${node}`, contentType: STRATEGIC, body });
  const annotate = (key: string, value: string | null) => ({ metadata: { annotations: { [key]: value } } });
  const lockOf = (answer: ApiAnswer): string | undefined => annotation(answer, LOCK);

  const step = (
    title: string,
    as: Identity,
    command: string,
    send: () => Promise<ApiAnswer>,
    judge: (answer: ApiAnswer) => Outcome,
  ): Step => ({ title, who: as.user, command, run: async () => judge(await send()) });

  const lock = (): Step[] => [
    step(
      "alice is about to reboot the node: she cordons it",
      alice,
      `kubectl cordon ${first}`,
      () => patch(first, alice, { spec: { unschedulable: true } }),
      (answer) => ({ good: answer.status === 200, lines: [`node/${first} cordoned`] }),
    ),
    step(
      "... and takes the lock. Holder, times, UID and boot ID are the server's word, not hers",
      alice,
      `kubectl annotate node ${first} ${LOCK}="kernel update"`,
      () => patch(first, alice, annotate(LOCK, "kernel update")),
      (answer) => ({
        good: answer.status === 200 && lockOf(answer)?.includes('"holder":"alice"') === true,
        lines: [`stored: ${lockOf(answer) ?? messageOf(answer)}`],
      }),
    ),
  ];
  const refused = (answer: ApiAnswer): Outcome => ({
    good: answer.status === 403 && messageOf(answer).includes("is locked for reboot by alice"),
    lines: [`error: ${messageOf(answer)}`],
  });
  const schedulable = (answer: ApiAnswer): Outcome => ({
    good: answer.status === 200 && fields(fields(answer.body)["spec"])["unschedulable"] !== true,
    lines: [
      ...answer.warnings.map((text) => `Warning: ${text}`),
      `uncordoned, lock: ${lockOf(answer) ?? "none"}`,
    ],
  });

  return [
    ...lock(),
    step(
      "bob, a cluster admin, finds a cordoned node and uncordons it",
      bob,
      `kubectl uncordon ${first}`,
      () => patch(first, bob, UNCORDON),
      refused,
    ),
    step(
      "bob strips the lock first",
      bob,
      `kubectl annotate node ${first} ${LOCK}-`,
      () => patch(first, bob, annotate(LOCK, null)),
      refused,
    ),
    step(
      "bob strips and uncordons at once",
      bob,
      `kubectl patch node ${first} -p '{"metadata":{"annotations":{"${LOCK}":null}},"spec":{"unschedulable":null}}'`,
      () => patch(first, bob, { ...annotate(LOCK, null), ...UNCORDON }),
      refused,
    ),
    step(
      "the node next door has no lock and is nobody's business",
      bob,
      `kubectl uncordon ${second}`,
      () => patch(second, bob, UNCORDON),
      schedulable,
    ),
    step(
      "carol breaks the glass: an act, with a reason, and RBAC is asked",
      carol,
      `kubectl patch node ${first} -p '{"metadata":{"annotations":{"${OVERRIDE}":"disk on fire"}},"spec":{"unschedulable":null}}'`,
      () => patch(first, carol, { ...annotate(OVERRIDE, "disk on fire"), ...UNCORDON }),
      (answer) => {
        const { good, lines } = schedulable(answer);
        const record = annotation(answer, LAST_OVERRIDE);
        return {
          good: good && record !== undefined,
          lines: [...lines, `kept on the node: ${record ?? "nothing"}`],
        };
      },
    ),
    ...lock(),
    step(
      "the reboot is done: alice releases the lock",
      alice,
      `kubectl annotate node ${first} ${LOCK}-`,
      () => patch(first, alice, annotate(LOCK, null)),
      (answer) => ({
        good: answer.status === 200 && lockOf(answer) === undefined,
        lines: [`node/${first} annotated`],
      }),
    ),
    step(
      "... and now anybody may uncordon",
      bob,
      `kubectl uncordon ${first}`,
      () => patch(first, bob, UNCORDON),
      schedulable,
    ),
    ...kuredSteps(client, bob, second),
    {
      title: "the refused uncordons are on the node's record",
      who: alice.user,
      command: `kubectl get events --field-selector involvedObject.name=${first},reason=UncordonRefused`,
      run: () => eventsOf(client, first),
    },
  ];
}

/** Two nodes as a kubelet would register them, the second one cordoned. */
export async function makeNodes(client: ApiClient, first: string, second: string): Promise<void> {
  for (const name of [first, second]) {
    const spec = name === second ? { unschedulable: true } : {};
    const body = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name, labels: { "nodelatch.io/demo": "true" } },
      spec,
      status: {
        nodeInfo: nodeInfo("b0070000-0000-4000-8000-000000000001"),
        conditions: [{ type: "Ready", status: "True", reason: "KubeletReady" }],
        addresses: [{ type: "Hostname", address: name }],
      },
    };
    const answer = await client.send({ method: "POST", path: "/api/v1/nodes", body });
    if (answer.status !== 201) throw new Error(`create node ${name}: ${messageOf(answer)}`);
  }
}

/** Events are written behind the answers' backs: a moment may pass. */
async function eventsOf(client: ApiClient, node: string): Promise<Outcome> {
  const selector = encodeURIComponent(`involvedObject.name=${node},reason=UncordonRefused`);
  for (let tries = 0; tries < 50; tries += 1) {
    const answer = await client.send({ method: "GET", path: `/api/v1/events?fieldSelector=${selector}` });
    const { items } = fields(answer.body);
    const messages = Array.isArray(items)
      ? items.map((item: unknown) => String(fields(item)["message"]))
      : [];
    if (messages.length > 0) return { good: messages.some((text) => text.includes("bob")), lines: messages };
    await sleep(100);
  }
  return { good: false, lines: ["no Event within 5 s"] };
}

function annotation(answer: ApiAnswer, key: string): string | undefined {
  const value = fields(fields(fields(answer.body)["metadata"])["annotations"])[key];
  return typeof value === "string" ? value : undefined;
}
