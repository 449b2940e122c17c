/** The fleet's cluster on etcd and kube-apiserver as local processes: its nodes are objects alone, as kwok's are. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { startControlPlane, type ControlPlanePrograms } from "../../bench/denied-uncordon/control-plane.ts";
import type { Running } from "../../bench/process/running.ts";
import { writeServingFiles } from "../../bench/servers/serving-files.ts";
import { objectAt, textAt } from "../../kube/json.ts";
import { writeToolList } from "../../lock/tool-list.ts";
import { createApiClient, type ApiClient } from "../scenarios/api-client.ts";
import { registrations } from "../simulated/registrations.ts";
import type { FleetCluster } from "./cluster.ts";
import { Door } from "./outage.ts";
import { TOOLS } from "./tools.ts";
import { WebhookProcess } from "./webhook-process.ts";

const HOST = "127.0.0.1";

/** Resolves once the webhook is ready. @param flags more of the webhook's. */
export async function startReal(
  running: Running,
  programs: ControlPlanePrograms,
  flags: readonly string[],
  signal: AbortSignal,
): Promise<FleetCluster> {
  const plane = await startControlPlane(running, programs, signal);
  const admin = await plane.user({ name: "admin", groups: ["system:masters"] });
  const [apiDoor, webhookDoor] = [new Door(plane.port), new Door(0)];
  await Promise.all([apiDoor.open(), webhookDoor.open()]);
  const url = `https://${HOST}:${apiDoor.port}`;
  const file = join(running.folder, "through-the-door.kubeconfig");
  await writeFile(file, (await readFile(admin.kubeconfig, "utf8")).replaceAll(admin.url, url), {
    mode: 0o600,
  });
  const certificates = join(running.folder, "certificates");
  await mkdir(certificates);
  const caPem = await writeServingFiles(certificates, [
    "nodelatch-webhook.nodelatch-system.svc",
    "localhost",
    HOST,
  ]);
  await writeFile(join(certificates, "ca.crt"), caPem);
  const webhook = new WebhookProcess([
    `--kubeconfig=${file}`,
    `--bind-address=${HOST}`,
    "--cert-mode=files",
    `--cert-dir=${certificates}`,
    "--inject-ca=false",
    `--tools=${writeToolList(TOOLS)}`,
    ...flags,
  ]);
  const direct = createApiClient(admin);
  let client = createApiClient({ ...admin, url });
  const cluster: FleetCluster = {
    direct,
    send: async (request) => client.send(request),
    async apiAway() {
      await apiDoor.shut();
      await plane.restartApiServer();
    },
    async apiBack() {
      client.close();
      client = createApiClient({ ...admin, url });
      await apiDoor.open();
    },
    async webhookAway() {
      await webhook.kill();
      await webhookDoor.shut();
      await webhook.begin();
    },
    async webhookBack() {
      await webhook.up();
      webhookDoor.leadTo(webhook.port ?? 0);
      await webhookDoor.open();
    },
    async close() {
      client.close();
      direct.close();
      await webhook.kill();
      await Promise.all([apiDoor.shut(), webhookDoor.shut()]);
    },
  };
  try {
    await letEverybodyWrite(direct);
    await register(direct, `https://${HOST}:${webhookDoor.port}`, caPem);
    await webhook.begin();
    await webhook.up();
    webhookDoor.leadTo(webhook.port ?? 0);
    return cluster;
  } catch (cause) {
    await cluster.close();
    throw cause;
  }
}

async function post(client: ApiClient, path: string, body: unknown): Promise<void> {
  const answer = await client.send({ method: "POST", path, body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

/** Who may do what is not in question here: everybody may everything that Nodelatch does not refuse. */
async function letEverybodyWrite(client: ApiClient): Promise<void> {
  const group = "rbac.authorization.k8s.io";
  const path = `/apis/${group}/v1/clusterrolebindings`;
  const subjects = [{ apiGroup: group, kind: "Group", name: "node-writers" }];
  const roleRef = { apiGroup: group, kind: "ClusterRole", name: "cluster-admin" };
  const apiVersion = `${group}/v1`;
  await post(client, path, {
    apiVersion,
    kind: "ClusterRoleBinding",
    metadata: { name: "w" },
    subjects,
    roleRef,
  });
}

/** As the chart does, but for where the webhook is. It acts within 2 s (facts/kured-observed.md 3), before any tool does. */
async function register(client: ApiClient, url: string, caPem: string): Promise<void> {
  for (const registration of await registrations("unused", "unused", TOOLS)) {
    const webhooks = registration.webhooks.flatMap((entry) => {
      const path = textAt(objectAt(entry["clientConfig"], "service"), "path") ?? "";
      const caBundle = Buffer.from(caPem).toString("base64");
      return path === "/prepull" ? [] : [{ ...entry, clientConfig: { url: `${url}${path}`, caBundle } }];
    });
    const path = `/apis/admissionregistration.k8s.io/v1/${registration.kind.toLowerCase()}s`;
    await post(client, path, { ...registration, webhooks });
  }
}
