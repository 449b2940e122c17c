/** Everything that a run needs: API server, webhooks, registrations, nodes, and a user who may patch nodes. */
import { setTimeout as sleep } from "node:timers/promises";
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import { createApiClient, type ApiClient } from "../../test/scenarios/api-client.ts";
import { openConnection, type Connection } from "../load/connection.ts";
import type { Running } from "../process/running.ts";
import { lockedNode } from "../review/locked-node.ts";
import { ANSWERER_LABEL, ANSWERERS, nodeOf, type Answerer } from "./answerers.ts";
import { callsOf, checkCalls } from "./calls.ts";
import { startControlPlane, type ControlPlanePrograms, type UserAccess } from "./control-plane.ts";
import { everyRegistration, type Posted } from "./registrations.ts";
import { uncordonRequests } from "./uncordon.ts";
import { startWebhooks, type WebhookPair } from "./webhooks.ts";

export interface StagePrograms extends ControlPlanePrograms {
  readonly goWebhook: string;
}

export interface Stage {
  readonly webhooks: WebhookPair;
  /** Of a stranger to every lock; kept. */
  readonly connections: readonly Connection[];
  /** JSON bytes of one node as the API server returns it. */
  readonly nodeBytes: number;
  /** How often the API server has called each webhook, by the names they are registered under. */
  calls(): Promise<ReadonlyMap<string, number>>;
  close(): void;
}

const REGISTERED_DEADLINE_MILLIS = 60_000;
const STRANGER = "bob@example.com";

export async function setStage(
  running: Running,
  programs: StagePrograms,
  options: { readonly connections: number; readonly nodeBytes: number; readonly signal: AbortSignal },
): Promise<Stage> {
  const { signal } = options;
  const plane = await startControlPlane(running, programs, signal);
  const admin = await plane.user({ name: "admin", groups: ["system:masters"] });
  const stranger = await plane.user({ name: STRANGER, groups: ["ops"] });
  const client = createApiClient(admin);
  const connections: Connection[] = [];
  const close = (): void => {
    client.close();
    for (const connection of connections) connection.close();
  };
  try {
    // Nodes first: a lock that is written before the latch is there stays as it is.
    for (const wanted of [...patchers(), ...nodes(options.nodeBytes)]) await post(client, wanted);
    const own = await plane.user({ name: "nodelatch", groups: ["system:masters"] });
    const webhooks = await startWebhooks(running, programs.goWebhook, own.kubeconfig, signal);
    const { nodelatch, go } = webhooks;
    for (const wanted of await everyRegistration(nodelatch.address, go.address)) await post(client, wanted);
    for (let index = 0; index < options.connections; index += 1) {
      connections.push(await connect(plane.port, stranger));
    }
    const stage = { webhooks, connections, close, calls: async () => callsOf(client) };
    await running.during(everyoneAnswers(stage, signal));
    const node = await client.send({ method: "GET", path: `/api/v1/nodes/${nodeOf("nodelatch")}` });
    return { ...stage, nodeBytes: Buffer.byteLength(JSON.stringify(node.body)) };
  } catch (cause) {
    close();
    throw cause;
  }
}

async function connect(port: number, access: UserAccess): Promise<Connection> {
  const { caPem, clientCertPem, clientKeyPem } = access;
  return openConnection({ host: "127.0.0.1", port, ca: caPem, cert: clientCertPem, key: clientKeyPem });
}

async function post(client: ApiClient, { path, body }: Posted): Promise<void> {
  const answer = await client.send({ method: "POST", path, body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** The stranger may patch nodes; nothing but a lock stands in the way. */
function patchers(): readonly Posted[] {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const metadata = { name: "node-patchers" };
  const rules = [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] }];
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: STRANGER }];
  const at = (kind: string): string => `/apis/${apiVersion}/${kind}`;
  return [
    { path: at("clusterroles"), body: { apiVersion, kind: "ClusterRole", metadata, rules } },
    {
      path: at("clusterrolebindings"),
      body: { apiVersion, kind: "ClusterRoleBinding", metadata, roleRef, subjects },
    },
  ];
}

function nodes(bytes: number): readonly Posted[] {
  return ANSWERERS.map(({ name }) => ({
    path: "/api/v1/nodes",
    body: lockedNode({ name: nodeOf(name), bytes, labels: { [ANSWERER_LABEL]: name } }),
  }));
}

type UnreadyStage = Pick<Stage, "webhooks" | "connections" | "calls">;

/** Registrations take effect when the API server's own watches have seen them: asked dry until all have. */
async function everyoneAnswers(stage: UnreadyStage, signal: AbortSignal): Promise<void> {
  const wait = { deadlineMillis: REGISTERED_DEADLINE_MILLIS, signal };
  for (const answerer of ANSWERERS) {
    const probe = async () => {
      await askedOnce(stage, answerer);
      return { done: true, value: undefined } as const;
    };
    await waitFor(`${answerer.name} to answer`, probe, wait);
  }
  const ready = async () =>
    (await stage.webhooks.nodelatch.ready())
      ? ({ done: true, value: undefined } as const)
      : ({ done: false, seen: "not ready" } as const);
  await waitFor("the webhook to be ready", ready, wait);
}

/** @throws Error if another one answers, or the API server calls other webhooks than it should. */
async function askedOnce({ connections, calls }: UnreadyStage, answerer: Answerer): Promise<void> {
  const [connection] = connections;
  if (connection === undefined) throw new Error("no connection");
  const before = await calls();
  const requests = uncordonRequests(answerer, { dryRun: true });
  requests.check(await connection.send(requests.next()));
  // Its counters are raised before the answer goes out; the pause is for nothing else.
  await sleep(20);
  const after = await calls();
  checkCalls(before, after, new Map([[answerer, 1]]));
}
