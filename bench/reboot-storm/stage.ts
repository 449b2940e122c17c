/** API server, webhook, and the nodes of both sides; the chart's registrations see one side alone. */
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import { createApiClient, type ApiClient } from "../../test/scenarios/api-client.ts";
import { registrations } from "../../test/simulated/registrations.ts";
import { objectAt, textAt } from "../../kube/json.ts";
import { startControlPlane, type ControlPlanePrograms } from "../denied-uncordon/control-plane.ts";
import { startNodelatch, type Nodelatch } from "../denied-uncordon/webhooks.ts";
import { openConnection, type Connection } from "../load/connection.ts";
import type { Program } from "../process/program.ts";
import type { Running } from "../process/running.ts";
import { HOLDER } from "../review/locked-node.ts";
import { freshNode, nodeNames, SIDE_LABEL, SIDES } from "./fleet.ts";

export interface Stage {
  readonly webhook: Nodelatch;
  readonly apiServer: Program;
  /** As an administrator, who may impersonate. */
  readonly client: ApiClient;
  readonly connections: readonly Connection[];
  close(): void;
}

export interface StageOptions {
  readonly nodes: number;
  readonly nodeBytes: number;
  readonly connections: number;
  readonly signal: AbortSignal;
}

const DEADLINE_MILLIS = 60_000;
const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";

export async function setStage(
  running: Running,
  programs: ControlPlanePrograms,
  options: StageOptions,
): Promise<Stage> {
  const { signal } = options;
  const plane = await startControlPlane(running, programs, signal, { syncsToDisk: true });
  const admin = await plane.user({ name: "admin", groups: ["system:masters"] });
  const client = createApiClient(admin);
  const connections: Connection[] = [];
  const close = (): void => {
    client.close();
    for (const connection of connections) connection.close();
  };
  try {
    await letToolPatchNodes(client);
    await fillNodes(client, options);
    const webhook = await startNodelatch(running, admin.kubeconfig, signal);
    await register(client, webhook);
    const { caPem, clientCertPem, clientKeyPem } = admin;
    const api = { host: "127.0.0.1", port: plane.port, ca: caPem, cert: clientCertPem, key: clientKeyPem };
    while (connections.length < options.connections) connections.push(await openConnection(api));
    const ready = async () =>
      (await webhook.ready())
        ? ({ done: true, value: undefined } as const)
        : ({ done: false, seen: "not ready" } as const);
    await running.during(
      waitFor("the webhook to be ready", ready, { deadlineMillis: DEADLINE_MILLIS, signal }),
    );
    return { webhook, apiServer: plane.apiServer, client, connections, close };
  } catch (cause) {
    close();
    throw cause;
  }
}

async function post(client: ApiClient, path: string, body: unknown): Promise<void> {
  const answer = await client.send({ method: "POST", path, body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function letToolPatchNodes(client: ApiClient): Promise<void> {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const metadata = { name: "tool" };
  const rules = [{ apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] }];
  await post(client, `/apis/${apiVersion}/clusterroles`, {
    apiVersion,
    kind: "ClusterRole",
    metadata,
    rules,
  });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: metadata.name };
  const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: HOLDER }];
  const binding = { apiVersion, kind: "ClusterRoleBinding", metadata, roleRef, subjects };
  await post(client, `/apis/${apiVersion}/clusterrolebindings`, binding);
}

async function fillNodes(client: ApiClient, { nodes, nodeBytes, connections }: StageOptions): Promise<void> {
  const left = SIDES.flatMap((side) =>
    nodeNames(side, nodes).map((name) => freshNode(side, name, nodeBytes)),
  ).values();
  const work = async (): Promise<void> => {
    for (const node of left) await post(client, "/api/v1/nodes", node);
  };
  await Promise.all(Array.from({ length: connections }, work));
}

/** As the chart registers it, but for its address, and for the nodes of one side. */
async function register(client: ApiClient, { address }: Nodelatch): Promise<void> {
  for (const registration of await registrations("unused", "unused")) {
    const webhooks = registration.webhooks.flatMap((entry) => {
      const path = textAt(objectAt(entry["clientConfig"], "service"), "path") ?? "";
      if (path === "/prepull") return [];
      const clientConfig = {
        url: `${address.url}${path}`,
        caBundle: Buffer.from(address.caPem).toString("base64"),
      };
      return [{ ...entry, clientConfig, objectSelector: { matchLabels: { [SIDE_LABEL]: "nodelatch" } } }];
    });
    await post(client, `${REGISTRATION}/${registration.kind.toLowerCase()}s`, { ...registration, webhooks });
  }
}
