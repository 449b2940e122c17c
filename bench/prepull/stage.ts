/** API server, CRD, nodes, the webhook and the policy; each judges the jobs with its label. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { waitFor } from "../../test/cluster/process/wait-for.ts";
import { createApiClient, type ApiClient } from "../../test/scenarios/api-client.ts";
import { registrations } from "../../test/simulated/registrations.ts";
import { startControlPlane, type ControlPlanePrograms } from "../denied-uncordon/control-plane.ts";
import { startNodelatch, type Nodelatch } from "../denied-uncordon/webhooks.ts";
import { openConnection, type Connection } from "../load/connection.ts";
import type { Running } from "../process/running.ts";
import { ANSWERER_LABEL, ANSWERERS, WEBHOOK_NAME } from "./answerers.ts";
import { edgeNode, NODES } from "./cluster-nodes.ts";
import { badJob, job, JOBS_PATH } from "./jobs.ts";
import { policy } from "./policy.ts";

export interface Stage {
  readonly webhook: Nodelatch;
  /** To the API server, as an administrator. */
  readonly connection: Connection;
  /** Straight to the webhook. */
  readonly direct: Connection;
  close(): void;
}

const DEADLINE_MILLIS = 60_000;
const AT_ONCE = 16;
const CRD = new URL("../../test/recorded-jobs/crd.yaml", import.meta.url);
const REGISTRATION = "/apis/admissionregistration.k8s.io/v1";

export async function setStage(
  running: Running,
  programs: ControlPlanePrograms,
  signal: AbortSignal,
): Promise<Stage> {
  const plane = await startControlPlane(running, programs, signal);
  const admin = await plane.user({ name: "admin", groups: ["system:masters"] });
  const client = createApiClient(admin);
  const open: { close(): void }[] = [client];
  const close = (): void => open.forEach((one) => one.close());
  try {
    const crd: unknown = parse(await readFile(CRD, "utf8"));
    await post(client, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd);
    await fillNodes(client);
    const webhook = await startNodelatch(running, admin.kubeconfig, signal);
    await register(client, webhook);
    const { caPem, clientCertPem, clientKeyPem } = admin;
    const api = { host: "127.0.0.1", port: plane.port, ca: caPem, cert: clientCertPem, key: clientKeyPem };
    const connection = await openConnection(api);
    open.push(connection);
    const port = Number(new URL(webhook.address.url).port);
    const direct = await openConnection({ host: "127.0.0.1", port, ca: webhook.address.caPem });
    open.push(direct);
    await running.during(everyoneAnswers(connection, client, signal));
    return { webhook, connection, direct, close };
  } catch (cause) {
    close();
    throw cause;
  }
}

async function post(client: ApiClient, path: string, body: unknown): Promise<void> {
  const answer = await client.send({ method: "POST", path, body });
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
}

async function fillNodes(client: ApiClient): Promise<void> {
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < NODES) {
      const index = next;
      next += 1;
      await post(client, "/api/v1/nodes", edgeNode(index));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
}

/** As the chart registers it, but for its address, and for jobs with its label alone. */
async function register(client: ApiClient, { address }: Nodelatch): Promise<void> {
  const all = await registrations("unused", "unused");
  for (const registration of all) {
    const webhooks = registration.webhooks.flatMap((entry) => {
      const path = entry["name"] === WEBHOOK_NAME ? "/prepull" : "/latch";
      if (entry["name"] === "guard.nodelatch.io") return [];
      const clientConfig = {
        url: `${address.url}${path}`,
        caBundle: Buffer.from(address.caPem).toString("base64"),
      };
      const objectSelector = { matchLabels: { [ANSWERER_LABEL]: "nodelatch" } };
      return [{ ...entry, clientConfig, objectSelector }];
    });
    const path = `${REGISTRATION}/${registration.kind.toLowerCase()}s`;
    await post(client, path, { ...registration, webhooks });
  }
  for (const { resource, body } of policy()) await post(client, `${REGISTRATION}/${resource}`, body);
}

/** Until each judges its own jobs and no others, and the webhook has read all nodes. */
async function everyoneAnswers(
  connection: Connection,
  client: ApiClient,
  signal: AbortSignal,
): Promise<void> {
  const wait = { deadlineMillis: DEADLINE_MILLIS, signal };
  for (const { name } of ANSWERERS) {
    const bad = badJob(name);
    const probe = async () => {
      const answer = await connection.send(bad.bytes);
      return bad.isAnswered(answer)
        ? ({ done: true, value: undefined } as const)
        : ({ done: false, seen: `${answer.status} ${answer.body.toString("utf8", 0, 300)}` } as const);
    };
    await waitFor(`${name} to answer`, probe, wait);
  }
  const knows = async () => {
    const body = job("nodelatch", ["nobody.example.com"]);
    const { status } = await client.send({ method: "POST", path: `${JOBS_PATH}?dryRun=All`, body });
    return status === 422
      ? ({ done: true, value: undefined } as const)
      : ({ done: false, seen: `${status}` } as const);
  };
  await waitFor("the webhook to know the nodes", knows, wait);
}
