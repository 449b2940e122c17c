/** The fleet's cluster on the embedded API server: everything that can be taken away from it, and given back. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { writeToolList } from "../../lock/tool-list.ts";
import { createApiClient } from "../scenarios/api-client.ts";
import { readKubeconfig } from "../scenarios/kubeconfig.ts";
import { MASTERS } from "../simulated/access/user.ts";
import { startApiServer } from "../simulated/api-server.ts";
import { registrations } from "../simulated/registrations.ts";
import type { FleetCluster } from "./cluster.ts";
import { Door } from "./outage.ts";
import { TOOLS } from "./tools.ts";
import { WebhookProcess } from "./webhook-process.ts";

const NAMESPACE = "nodelatch-system";
const SERVICE = "nodelatch-webhook";

/** Resolves once the webhook is ready. @param flags more of the webhook's. */
export async function startEmbedded(flags: readonly string[]): Promise<FleetCluster> {
  const folder = await mkdtemp(join(tmpdir(), "nodelatch-fleet-"));
  let webhook: WebhookProcess | undefined;
  const api = await startApiServer({
    users: [{ username: "admin", groups: [MASTERS], token: "admin" }],
    // Who may do what is not in question here: everybody may everything that Nodelatch does not refuse.
    allow: () => true,
    namespaces: [NAMESPACE],
    resolveService: (_namespace, name) => {
      const port = name === SERVICE ? webhook?.port : undefined;
      return port === undefined ? undefined : { host: "127.0.0.1", port };
    },
  });
  const door = new Door(Number(new URL(api.url).port));
  await door.open();
  const file = join(folder, "kubeconfig");
  const kubeconfig = api.kubeconfig("admin");
  await writeFile(file, kubeconfig.replaceAll(api.url, `https://127.0.0.1:${door.port}`), { mode: 0o600 });
  const inside = await readKubeconfig(file);
  const direct = createApiClient({ ...inside, url: api.url });
  let client = createApiClient(inside);
  webhook = new WebhookProcess([
    `--kubeconfig=${file}`,
    `--namespace=${NAMESPACE}`,
    "--bind-address=127.0.0.1",
    `--tools=${writeToolList(TOOLS)}`,
    ...flags,
  ]);
  const process = webhook;
  const cluster: FleetCluster = {
    direct,
    send: async (request) => client.send(request),
    apiAway: async () => door.shut(),
    async apiBack() {
      client.close();
      client = createApiClient(inside);
      await door.open();
    },
    async webhookAway() {
      await process.kill();
      await process.begin();
    },
    webhookBack: async () => process.up(),
    async close() {
      client.close();
      direct.close();
      await process.kill();
      await door.shut();
      await api.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    for (const body of await registrations(NAMESPACE, SERVICE, TOOLS)) {
      const path = `/apis/admissionregistration.k8s.io/v1/${body.kind.toLowerCase()}s`;
      const answer = await direct.send({ method: "POST", path, body });
      if (answer.status !== 201) throw new Error(`register ${body.kind}: ${JSON.stringify(answer.body)}`);
    }
    await process.begin();
    await process.up();
    return cluster;
  } catch (cause) {
    await cluster.close();
    throw cause;
  }
}
